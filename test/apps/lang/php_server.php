<?php
// A server with PHP's ssl:// streams: one port a service, one connection at a time. Prints the
// ports, then answers the requests that test/support/languages.py describes.

declare(strict_types=1);

set_error_handler(function (int $level, string $message): bool {
    fwrite(STDERR, str_replace("\n", ' ', $message) . "\n");
    return true;
});

const METHODS = [12 => STREAM_CRYPTO_METHOD_TLSv1_2_SERVER,
    13 => STREAM_CRYPTO_METHOD_TLSv1_3_SERVER];

function options(int $version, string $name, array $more = []): array
{
    return $more + [
        'crypto_method' => METHODS[$version],
        'local_cert' => "$name.pem",
        'local_pk' => "$name.key",
        'verify_peer' => false,
    ];
}

// The certificates that PHP chooses by server name come without the other settings of the stream.
function services(): array
{
    $by_name = ['SNI_enabled' => true, 'SNI_server_certs' => [
        'other.example' => ['local_cert' => 'other.pem', 'local_pk' => 'other.key'],
        'localhost' => ['local_cert' => 'ecdsa.pem', 'local_pk' => 'ecdsa.key']]];
    $services = [];
    foreach ([12, 13] as $version) {
        $services["tls$version"] = options($version, 'ecdsa', $by_name);
        $services["rsa$version"] = options($version, 'rsa', ['alpn_protocols' => 'h2,http/1.1']);
        $services["auth$version"] = options($version, 'ecdsa', ['verify_peer' => true,
            'verify_peer_name' => false, 'cafile' => 'ca.pem', 'capture_peer_cert' => true]);
        $services["p384$version"] = options($version, 'ecdsa', ['ecdh_curve' => 'secp384r1']);
        $services["plain$version"] = options($version, 'ecdsa');
    }
    $ciphers = 'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256';
    foreach (['order12' => true, 'free12' => false] as $name => $order) {
        $services[$name] = options(12, 'ecdsa', ['honor_cipher_order' => $order,
            'ciphers' => $ciphers]);
    }
    return $services;
}

/** @return resource */
function listener(string $name, array $options)
{
    $transport = str_starts_with($name, 'plain') ? 'tcp' : 'ssl';
    $context = stream_context_create(['ssl' => $options]);
    return stream_socket_server("$transport://127.0.0.1:0", $code, $text,
        STREAM_SERVER_BIND | STREAM_SERVER_LISTEN, $context);
}

/** @param resource $connection */
function facts($connection): string
{
    $crypto = stream_get_meta_data($connection)['crypto'];
    $certificate = stream_context_get_options($connection)['ssl']['peer_certificate'] ?? null;
    return json_encode([
        'version' => $crypto['protocol'],
        'cipher' => $crypto['cipher_name'],
        'alpn' => $crypto['alpn_protocol'] ?? null,
        'peer' => $certificate ? openssl_x509_parse($certificate)['subject']['CN'] : null,
    ]);
}

/** @param resource $connection */
function take($connection, int $size): string
{
    $data = stream_get_contents($connection, $size);
    return hash('sha256', $data);
}

/** @param resource $connection */
function http($connection, string $path): void
{
    while (fgets($connection) !== "\r\n");
    $body = file_get_contents(basename($path));
    $length = strlen($body);
    fwrite($connection, "HTTP/1.1 200 OK\r\nContent-Length: $length\r\n\r\n$body");
}

/**
 * Returns whether the connection goes on.
 * @param resource $connection
 */
function answer($connection, string $verb, string $what): bool
{
    match ($verb) {
        'FACTS' => fwrite($connection, facts($connection) . "\n"),
        'SEND' => fwrite($connection, file_get_contents($what)),
        'TAKE' => fwrite($connection, take($connection, (int) $what) . "\n"),
        'GET' => http($connection, $what),
        default => null,
    };
    return in_array($verb, ['FACTS', 'SEND', 'TAKE'], true);
}

/** @param resource $connection */
function serve($connection): void
{
    while (($line = fgets($connection)) !== false) {
        [$verb, $what] = explode(' ', trim($line), 3) + ['', ''];
        if ($verb === 'STARTTLS') {
            fwrite($connection, "go\n");
            $method = stream_context_get_options($connection)['ssl']['crypto_method'];
            if (!stream_socket_enable_crypto($connection, true, $method)) {
                break;
            }
        } elseif (!answer($connection, $verb, $what)) {
            break;
        }
    }
    fclose($connection);
}

$listeners = [];
foreach (services() as $name => $options) {
    $listeners[$name] = listener($name, $options);
}
$ports = array_map(fn($socket) => (int) substr(strrchr(stream_socket_get_name($socket, false), ':'),
    1), $listeners);
echo 'listening ', json_encode($ports), "\n";

while (true) {
    $ready = $listeners;
    $none = null;
    stream_select($ready, $none, $none, null);
    foreach ($ready as $socket) {
        $connection = stream_socket_accept($socket, 5);
        if ($connection) {
            serve($connection);
        }
    }
}
