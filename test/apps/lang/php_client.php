<?php
// A client with PHP's ssl:// streams that runs every scenario against php_server.php.
// usage: php_client.php PORTS, the JSON object that the server has printed

declare(strict_types=1);

const METHODS = [12 => STREAM_CRYPTO_METHOD_TLSv1_2_CLIENT,
    13 => STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT];
const CLIENT = ['local_cert' => 'client.pem', 'local_pk' => 'client.key'];

$ports = json_decode($argv[1], true);
$payload = file_get_contents('payload');
$warnings = [];

// What streams have to say about TLS they say in warnings.
set_error_handler(function (int $level, string $message) use (&$warnings): bool {
    $warnings[] = str_replace("\n", ' ', $message);
    return true;
});

class Unexpected extends Exception
{
}

function scenario(string $name, callable $code): void
{
    global $warnings;
    $warnings = [];
    try {
        $code();
        echo "ok $name\n";
    } catch (Throwable $unexpected) {
        $told = implode(' | ', $warnings);
        echo preg_replace('/\s+/', ' ', "failed $name: {$unexpected->getMessage()} ($told)"), "\n";
    }
}

function is(mixed $found, mixed $expected, string $what): void
{
    if ($found !== $expected) {
        throw new Unexpected("$what is " . json_encode($found) . ', not ' . json_encode($expected));
    }
}

function context(array $more = [])
{
    return stream_context_create(['ssl' => $more + ['cafile' => 'ca.pem',
        'peer_name' => 'localhost']]);
}

/** @return resource|false */
function tls(string $service, $context)
{
    global $ports;
    $client = stream_socket_client("ssl://127.0.0.1:{$ports[$service]}", $code, $text, 5,
        STREAM_CLIENT_CONNECT, $context);
    if ($client) {
        stream_set_timeout($client, 10);
    }
    return $client;
}

/** @return resource */
function connected(string $service, array $more = [])
{
    return tls($service, context($more)) ?: throw new Unexpected('no connection');
}

function facts($connection): array
{
    fwrite($connection, "FACTS\n");
    return json_decode(fgets($connection), true);
}

function transfer($connection): void
{
    global $payload;
    $size = strlen($payload);
    fwrite($connection, "SEND payload\n");
    is(hash('sha256', stream_get_contents($connection, $size)), hash('sha256', $payload),
        'what arrived');
    fwrite($connection, "TAKE $size\n");
    is(fwrite($connection, $payload), $size, 'what was written');
    is(fgets($connection), hash('sha256', $payload) . "\n", 'what the server got');
}

function transfer_both_ways(string $service, string $version, string $cipher): void
{
    $connection = connected($service, ['capture_peer_cert' => true]);
    $facts = facts($connection);
    is($facts['version'], $version, 'the version');
    is(preg_match($cipher, $facts['cipher']), 1, "{$facts['cipher']} as $cipher");
    $crypto = stream_get_meta_data($connection)['crypto'];
    is($crypto['protocol'], $version, 'our version');
    is($crypto['cipher_name'], $facts['cipher'], 'our cipher');
    is(in_array($crypto['cipher_bits'], [128, 256], true), true, 'the bits of the cipher');
    transfer($connection);
    fwrite($connection, "BYE\n");
    is(fgets($connection), false, 'what comes after the close');
    is(feof($connection), true, 'the end');
}

function server_name(string $service): void
{
    $connection = connected($service, ['peer_name' => 'other.example',
        'capture_peer_cert' => true]);
    $certificate = stream_context_get_options($connection)['ssl']['peer_certificate'];
    is(openssl_x509_parse($certificate)['subject']['CN'], 'other.example', 'the certificate');
    facts($connection);
}

function captured_certificates(string $service): void
{
    $connection = connected($service, ['capture_peer_cert' => true,
        'capture_peer_cert_chain' => true]);
    $captured = stream_context_get_options($connection)['ssl'];
    is(openssl_x509_fingerprint($captured['peer_certificate'], 'sha256'),
        openssl_x509_fingerprint(file_get_contents('ecdsa.pem'), 'sha256'), 'the certificate');
    is(count($captured['peer_certificate_chain']), 1, 'the length of the chain');
    is(openssl_x509_export($captured['peer_certificate_chain'][0], $text), true, 'the export');
    is(trim($text), trim(file_get_contents('ecdsa.pem')), 'the certificate of the chain');
}

function alpn(string $service): void
{
    $connection = connected($service, ['alpn_protocols' => 'spdy/1,http/1.1']);
    is(facts($connection)['alpn'], 'http/1.1', 'its protocol');
    is(stream_get_meta_data($connection)['crypto']['alpn_protocol'], 'http/1.1', 'our protocol');
    fclose($connection);
    is(facts(connected($service))['alpn'], null, 'without an offer');
}

function client_certificate(string $service): void
{
    is(facts(connected($service, CLIENT))['peer'], 'test client', 'the client');
}

function warned(string $pattern): void
{
    global $warnings;
    is(preg_match($pattern, implode(' ', $warnings)), 1, "$pattern in the warnings");
}

// PHP's server looks for the certificate when the handshake is over, and hangs up without an alert.
function no_client_certificate(string $service): void
{
    $connection = connected($service);
    is(fgets($connection), false, 'the answer');
    is(feof($connection), true, 'the end');
}

function refused(string $service, array $options, string $warning): void
{
    is(tls($service, context($options)), false, 'the connection');
    warned($warning);
}

function fingerprint(string $service): void
{
    $found = openssl_x509_fingerprint(file_get_contents('ecdsa.pem'), 'sha256');
    facts(connected($service, ['peer_fingerprint' => ['sha256' => $found]]));
    refused($service, ['peer_fingerprint' => ['sha256' => strrev($found)]],
        '/peer_fingerprint match failure/');
}

function patiently($connection, callable $step): mixed
{
    while (($result = $step()) === 0 || $result === '') {
        [$read, $write, $except] = [[$connection], $result === 0 ? null : [], null];
        stream_select($read, $write, $except, 5);
    }
    return $result;
}

function non_blocking(string $service, int $version): void
{
    global $ports, $payload;
    $connection = stream_socket_client("tcp://127.0.0.1:{$ports[$service]}", $code, $text, 5,
        STREAM_CLIENT_CONNECT, context());
    stream_set_blocking($connection, false);
    is(patiently($connection, fn() => stream_socket_enable_crypto($connection, true,
        METHODS[$version])), true, 'the handshake');
    $output = 'TAKE ' . strlen($payload) . "\n" . $payload;
    while ($output !== '') {
        $written = fwrite($connection, $output);
        if ($written === 0) {
            [$read, $write, $except] = [null, [$connection], null];
            stream_select($read, $write, $except, 5);
        }
        $output = substr($output, $written);
    }
    is(patiently($connection, fn() => fread($connection, 100)), hash('sha256', $payload) . "\n",
        'what the server got');
}

function start_tls(string $service, int $version, string $name): void
{
    global $ports;
    $connection = stream_socket_client("tcp://127.0.0.1:{$ports[$service]}", $code, $text, 5,
        STREAM_CLIENT_CONNECT, context());
    fwrite($connection, "STARTTLS\n");
    is(fgets($connection), "go\n", 'the answer in the clear');
    is(stream_socket_enable_crypto($connection, true, METHODS[$version]), true, 'the handshake');
    is(facts($connection)['version'], $name, 'the version');
    transfer($connection);
    stream_socket_enable_crypto($connection, false);
    is(stream_get_meta_data($connection)['crypto'] ?? null, null, 'TLS after its end');
}

function https(string $service): void
{
    global $ports, $payload;
    $got = file_get_contents("https://127.0.0.1:{$ports[$service]}/payload", false, context());
    is(hash('sha256', (string) $got), hash('sha256', $payload), 'what arrived');
    is($http_response_header[0], 'HTTP/1.1 200 OK', 'the status');
}

function cipher_order(): void
{
    $offer = ['ciphers' => 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305',
        'security_level' => 2];
    is(facts(connected('order12', $offer))['cipher'], 'ECDHE-ECDSA-CHACHA20-POLY1305',
        'the choice of the server');
    is(facts(connected('free12', $offer))['cipher'], 'ECDHE-ECDSA-AES128-GCM-SHA256',
        'the choice of the client');
    refused('order12', ['ciphers' => 'ECDHE-RSA-AES128-GCM-SHA256'], '/alert handshake failure/');
}

foreach ([12 => 'TLSv1.2', 13 => 'TLSv1.3'] as $n => $version) {
    $label = strtr($version, '.', '_');
    $suites = $n === 12 ? ['/^ECDHE-ECDSA-/', '/^ECDHE-RSA-/'] : ['/^TLS_AES_/', '/^TLS_AES_/'];
    scenario("transfer.ecdsa.$label", fn() => transfer_both_ways("tls$n", $version, $suites[0]));
    scenario("transfer.rsa.$label", fn() => transfer_both_ways("rsa$n", $version, $suites[1]));
    scenario("sni.$label", fn() => server_name("tls$n"));
    scenario("captured-certificates.$label", fn() => captured_certificates("tls$n"));
    scenario("alpn.$label", fn() => alpn("rsa$n"));
    scenario("client-certificate.$label", fn() => client_certificate("auth$n"));
    scenario("no-client-certificate.$label", fn() => no_client_certificate("auth$n"));
    scenario("wrong-name.$label", fn() => refused("rsa$n", ['peer_name' => 'elsewhere.example'],
        '/did not match expected name `elsewhere.example\'/'));
    scenario("unknown-issuer.$label", fn() => refused("tls$n", ['cafile' => 'client.pem'],
        '/certificate verify failed/'));
    scenario("fingerprint.$label", fn() => fingerprint("tls$n"));
    scenario("curve.$label", fn() => transfer(connected("p384$n")));
    scenario("non-blocking.$label", fn() => non_blocking("tls$n", $n));
    scenario("start-tls.$label", fn() => start_tls("plain$n", $n, $version));
    scenario("https.$label", fn() => https("tls$n"));
}
scenario('cipher-order.TLSv1_2', cipher_order(...));
