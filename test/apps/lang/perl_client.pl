# A client with IO::Socket::SSL that runs every scenario against perl_server.pl.
# usage: perl_client.pl PORTS, the JSON object that the server has printed

use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::SSL;
use JSON::PP;
use Net::SSLeay;

$| = 1;
$SIG{PIPE} = 'IGNORE';

my $ports = decode_json($ARGV[0]);
my @client_certificate = (SSL_cert_file => 'client.pem', SSL_key_file => 'client.key');

sub scenario {
    my ($name, $code) = @_;
    my $done = eval { local $SIG{ALRM} = sub { die "no end\n" }; alarm 10; $code->(); 1 };
    my $why = $@ =~ s/\s+/ /gr;
    alarm 0;
    print $done ? "ok $name\n" : "failed $name: $why\n";
}

sub is {
    my ($found, $expected, $what) = @_;
    $found //= 'nothing';
    $expected //= 'nothing';
    die "$what is $found, not $expected\n" if $found ne $expected;
}

sub file {
    my ($name) = @_;
    local (@ARGV, $/) = $name;
    return <>;
}

sub tls {
    my ($service, %more) = @_;
    return IO::Socket::SSL->new(
        PeerAddr => '127.0.0.1', PeerPort => $ports->{$service}, Timeout => 5,
        SSL_ca_file => 'ca.pem', SSL_hostname => 'localhost', SSL_verifycn_name => 'localhost',
        SSL_verifycn_scheme => 'http', SSL_verify_mode => SSL_VERIFY_PEER, %more);
}

sub connected {
    return tls(@_) || die "no connection: $SSL_ERROR\n";
}

sub ask {
    my ($connection, $request) = @_;
    print {$connection} "$request\n";
    my $answer = <$connection> // die "no answer: $SSL_ERROR\n";
    return $answer =~ s/\n$//r;
}

sub facts {
    return decode_json(ask($_[0], 'FACTS'));
}

sub receive {
    my ($connection, $size) = @_;
    my $data = '';
    while (length $data < $size) {
        $connection->read($data, $size - length $data, length $data) or die "ended early\n";
    }
    return $data;
}

sub transfer {
    my ($connection) = @_;
    my $data = file('payload');
    print {$connection} "SEND payload\n";
    is(sha256_hex(receive($connection, length $data)), sha256_hex($data), 'what arrived');
    print {$connection} 'TAKE ', length $data, "\n", $data;
    is(scalar <$connection>, sha256_hex($data) . "\n", 'what the server got');
}

sub transfer_both_ways {
    my ($service, $version, $cipher) = @_;
    my $connection = connected($service);
    my $facts = facts($connection);
    is($facts->{version}, $version, 'the version');
    is($connection->get_sslversion, $version, 'our version');
    $facts->{cipher} =~ $cipher or die "the cipher is $facts->{cipher}\n";
    is($connection->get_cipher, $facts->{cipher}, 'our cipher');
    is($connection->peer_certificate('cn'), 'localhost', 'the name of the server');
    transfer($connection);
    print {$connection} "BYE\n";
    is(scalar <$connection>, undef, 'what comes after the close');
    $connection->close or die "not closed\n";
}

sub server_name {
    my ($service) = @_;
    my $connection = connected($service, SSL_hostname => 'other.example',
        SSL_verifycn_name => 'other.example');
    is($connection->peer_certificate('cn'), 'other.example', 'the certificate');
    is(facts($connection)->{sni}, 'other.example', 'the name');
}

sub alpn {
    my ($service) = @_;
    my $connection = connected($service, SSL_alpn_protocols => [ 'spdy/1', 'http/1.1' ]);
    is($connection->alpn_selected, 'http/1.1', 'the protocol');
    is(facts($connection)->{alpn}, 'http/1.1', 'its protocol');
    $connection->close;
    is(facts(connected($service))->{alpn}, undef, 'without an offer');
}

sub client_certificate {
    my ($service) = @_;
    is(facts(connected($service, @client_certificate))->{peer}, 'test client', 'the client');
}

# TLS 1.3's client is done before the server can refuse it: the alert meets the first read, which
# IO::Socket::SSL calls an end of file.
sub no_client_certificate {
    my ($service, $alert) = @_;
    my $connection = tls($service);
    my $error = $SSL_ERROR;
    if ($connection) {
        is($connection->sysread(my $answer, 100), 0, 'the answer');
        $error = Net::SSLeay::ERR_error_string(Net::SSLeay::ERR_get_error());
    }
    $error =~ $alert or die "the error is $error\n";
}

sub refused {
    my ($service, $error, %options) = @_;
    tls($service, %options) and die "connected\n";
    $SSL_ERROR =~ $error or die "the error is $SSL_ERROR\n";
}

sub session_cache {
    my ($service) = @_;
    my $context = IO::Socket::SSL::SSL_Context->new(SSL_ca_file => 'ca.pem',
        SSL_session_cache_size => 10) or die $SSL_ERROR;
    for my $expected (0, 1, 1) {
        my $connection = connected($service, SSL_reuse_ctx => $context,
            SSL_session_key => $service);
        is(facts($connection)->{reused}, $expected, "reuse for the server");
        is($connection->get_session_reused ? 1 : 0, $expected, 'reuse for us');
        transfer($connection);
        $connection->close;
    }
}

# The second connection's ticket is of a key that is no longer the first: it is read all the same,
# and renewed.
sub ticket_keys {
    my ($service) = @_;
    my $context = IO::Socket::SSL::SSL_Context->new(SSL_ca_file => 'ca.pem',
        SSL_session_cache_size => 10) or die $SSL_ERROR;
    for my $expected (0, 1) {
        my $connection = connected($service, SSL_reuse_ctx => $context,
            SSL_session_key => $service);
        is(facts($connection)->{reused}, $expected, 'reuse');
        ask($connection, 'ROTATE');
        $connection->close;
    }
}

sub verify_callback {
    my ($service) = @_;
    my @seen;
    my $callback = sub {
        my ($ok, undef, $names, $error, undef, $depth) = @_;
        push @seen, "$depth:$ok";
        return 1;
    };
    my $connection = connected($service, SSL_verify_callback => $callback);
    is("@seen", '1:1 0:1', 'what the callback saw');
    $connection->close;
    tls($service, SSL_verify_callback => sub { $_[5] == 1 }) and die "connected\n";
    $SSL_ERROR =~ /certificate verify failed/ or die "the error is $SSL_ERROR\n";
}

sub fingerprint {
    my ($service) = @_;
    my $found = connected($service)->get_fingerprint('sha256');
    my $pinned = connected($service, SSL_ca_file => undef, SSL_fingerprint => $found);
    is($pinned->get_fingerprint, $found, 'the fingerprint');
    $pinned->close;
    refused($service, qr/certificate verify failed|fingerprint/,
        SSL_ca_file => 'client.pem', SSL_fingerprint => $found =~ s/[0-9a-f]{4}$/0000/r);
}

sub non_blocking {
    my ($service) = @_;
    my $socket = IO::Socket::INET->new("127.0.0.1:$ports->{$service}") or die "$!\n";
    $socket->blocking(0);
    my $connection = IO::Socket::SSL->start_SSL($socket, SSL_startHandshake => 0,
        SSL_ca_file => 'ca.pem', SSL_hostname => 'localhost', SSL_verifycn_name => 'localhost')
        or die $SSL_ERROR;
    my $select = IO::Select->new($connection);
    my $wait = sub {
        $SSL_ERROR == SSL_WANT_READ ? $select->can_read(5)
            : $SSL_ERROR == SSL_WANT_WRITE ? $select->can_write(5) : die "$SSL_ERROR\n";
    };
    $wait->() until $connection->connect_SSL;
    my $data = file('payload');
    my $output = 'TAKE ' . length($data) . "\n" . $data;
    while (length $output) {
        my $written = $connection->syswrite($output);
        defined $written ? substr($output, 0, $written, '') : $wait->();
    }
    my $answer = '';
    while ($answer !~ /\n/) {
        $wait->() if !defined $connection->sysread($answer, 100, length $answer);
    }
    is($answer, sha256_hex($data) . "\n", 'what the server got');
    is($connection->pending, 0, 'what is left');
}

sub start_and_stop {
    my ($service, $version) = @_;
    my $socket = IO::Socket::INET->new("127.0.0.1:$ports->{$service}") or die "$!\n";
    for my $turn (1, 2) {
        is(ask($socket, 'STARTTLS'), 'go', 'the answer in the clear');
        my $connection = IO::Socket::SSL->start_SSL($socket, SSL_ca_file => 'ca.pem',
            SSL_hostname => 'localhost', SSL_verifycn_name => 'localhost') or die $SSL_ERROR;
        is(facts($connection)->{version}, $version, 'the version');
        transfer($connection);
        print {$connection} "STOPTLS\n";
        $connection->stop_SSL or die "not stopped: $SSL_ERROR\n";
        is(ref $connection, 'IO::Socket::INET', 'the class of the socket');
        is(scalar <$connection>, "in the clear\n", 'what came in the clear');
    }
}

sub ocsp_staple {
    my ($service) = @_;
    my $stapled;
    connected($service, SSL_ocsp_mode => SSL_OCSP_TRY_STAPLE, SSL_ocsp_staple_callback =>
        sub { $stapled = Net::SSLeay::i2d_OCSP_RESPONSE($_[1]) })->close;
    is(sha256_hex($stapled // ''), sha256_hex(file('ocsp.der')), 'the response');
    transfer(connected($service, SSL_ocsp_mode => SSL_OCSP_MUST_STAPLE));
    refused($service =~ s/ocsp/tls/r, qr/did not receive the required stapled OCSP response/,
        SSL_ocsp_mode => SSL_OCSP_MUST_STAPLE);
}

sub exporter_and_keylog {
    my ($service, $label) = @_;
    my @lines;
    my $connection = connected($service, SSL_create_ctx_callback =>
        sub { Net::SSLeay::CTX_set_keylog_callback($_[0], sub { push @lines, $_[1] }) });
    my $ssl = $connection->_get_ssl_object;
    my $facts = facts($connection);
    is(unpack('H*', Net::SSLeay::export_keying_material($ssl, 32, 'EXPERIMENTAL lab', undef)),
        $facts->{exported}, 'the exported key');
    Net::SSLeay::get_finished($ssl, my $finished);
    is(unpack('H*', $finished), $facts->{finished}, 'our Finished, as the server saw it');
    my $random = unpack 'H*', Net::SSLeay::get_client_random($ssl);
    my ($line) = grep { /^$label $random [0-9a-f]+$/ } @lines;
    $line or die "the key log is @lines\n";
}

sub low_level {
    my ($service) = @_;
    my ($reply, $error, $certificate) = Net::SSLeay::sslcat('127.0.0.1', $ports->{$service},
        "SEND payload\n");
    die "sslcat: $error\n" if $error;
    is(sha256_hex($reply), sha256_hex(file('payload')), 'what arrived');
    my $name = Net::SSLeay::X509_NAME_oneline(Net::SSLeay::X509_get_subject_name($certificate));
    is($name, '/CN=localhost', 'the name of the server');
}

sub post_handshake_authentication {
    my $connection = connected('pha13', @client_certificate);
    is(facts($connection)->{peer}, undef, 'the client before');
    is(ask($connection, 'AUTHENTICATE'), 'asked', 'the answer');
    is(facts($connection)->{peer}, 'test client', 'the client after');
}

my %alerts = (12 => qr/alert handshake failure/, 13 => qr/alert certificate required/);
for my $version (12, 13) {
    my $name = $version == 12 ? 'TLSv1_2' : 'TLSv1_3';
    my ($ecdsa, $rsa) = $version == 12 ? (qr/^ECDHE-ECDSA-/, qr/^ECDHE-RSA-/)
        : (qr/^TLS_AES_/, qr/^TLS_AES_/);
    scenario("transfer.ecdsa.$name", sub { transfer_both_ways("tls$version", $name, $ecdsa) });
    scenario("transfer.rsa.$name", sub { transfer_both_ways("rsa$version", $name, $rsa) });
    scenario("sni.$name", sub { server_name("tls$version") });
    scenario("alpn.$name", sub { alpn("tls$version") });
    scenario("client-certificate.$name", sub { client_certificate("auth$version") });
    scenario("no-client-certificate.$name",
        sub { no_client_certificate("auth$version", $alerts{$version}) });
    scenario("wrong-name.$name", sub { refused("tls$version", qr/hostname verification failed/,
        SSL_verifycn_name => 'elsewhere.example') });
    scenario("unknown-issuer.$name", sub { refused("tls$version", qr/certificate verify failed/,
        SSL_ca_file => 'client.pem') });
    scenario("session-cache.$name", sub { session_cache("tls$version") });
    scenario("ticket-keys.$name", sub { ticket_keys("tickets$version") });
    scenario("verify-callback.$name", sub { verify_callback("tls$version") });
    scenario("fingerprint.$name", sub { fingerprint("tls$version") });
    scenario("non-blocking.$name", sub { non_blocking("tls$version") });
    scenario("start-and-stop.$name", sub { start_and_stop("plain$version", $name) });
    scenario("ocsp-staple.$name", sub { ocsp_staple("ocsp$version") });
    scenario("exporter-and-keylog.$name", sub { exporter_and_keylog("tls$version",
        $version == 12 ? 'CLIENT_RANDOM' : 'CLIENT_TRAFFIC_SECRET_0') });
    scenario("sslcat.$name", sub { low_level("tls$version") });
}
scenario('post-handshake-authentication', \&post_handshake_authentication);
