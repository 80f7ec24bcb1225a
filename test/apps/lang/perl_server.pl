# A server with IO::Socket::SSL: one port a service, one connection at a time. Prints the ports,
# then answers the requests that test/support/languages.py describes.

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

my $ocsp_response = do { local (@ARGV, $/) = 'ocsp.der'; <> };
my @ticket_keys = map { { name => $_ x 16, key => $_ x 32 } } 'a', 'b';

sub context {
    my (%more) = @_;
    return IO::Socket::SSL::SSL_Context->new(
        SSL_server => 1,
        SSL_cert_file => { '' => 'ecdsa.pem', 'other.example' => 'other.pem' },
        SSL_key_file => { '' => 'ecdsa.key', 'other.example' => 'other.key' },
        SSL_alpn_protocols => [ 'h2', 'http/1.1' ],
        SSL_session_id_context => 'lab',
        %more,
    ) || die "no context: $SSL_ERROR";
}

# SSL_ticket_keycb: new tickets are made with the first key, old ones read with any.
sub ticket_key {
    my (undef, $name) = @_;
    return @{ $ticket_keys[0] }{qw(key name)} if !defined $name;
    my ($known) = grep { $_->{name} eq $name } @ticket_keys;
    return $known ? @{$known}{qw(key name)} : ();
}

sub staple {
    my ($ssl) = @_;
    Net::SSLeay::set_tlsext_status_ocsp_resp($ssl, $ocsp_response);
    return 0;
}

sub services {
    my %services;
    for my $version (12, 13) {
        my @version = (SSL_version => "TLSv1_" . ($version - 10));
        $services{"tls$version"} = context(@version);
        $services{"rsa$version"} = context(@version, SSL_cert_file => 'rsa.pem',
            SSL_key_file => 'rsa.key');
        $services{"auth$version"} = context(@version, SSL_ca_file => 'ca.pem',
            SSL_verify_mode => SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
        $services{"tickets$version"} = context(@version, SSL_ticket_keycb => \&ticket_key);
        $services{"ocsp$version"} = context(@version, SSL_create_ctx_callback =>
            sub { Net::SSLeay::CTX_set_tlsext_status_cb($_[0], \&staple) });
        $services{"plain$version"} = context(@version);
    }
    $services{pha13} = context(SSL_version => 'TLSv1_3', SSL_ca_file => 'ca.pem',
        SSL_verify_mode => SSL_VERIFY_NONE);
    return %services;
}

sub facts {
    my ($connection) = @_;
    Net::SSLeay::get_peer_finished($connection->_get_ssl_object, my $finished);
    return encode_json({
        version => $connection->get_sslversion,
        cipher => $connection->get_cipher,
        sni => $connection->get_servername,
        alpn => $connection->alpn_selected,
        peer => $connection->peer_certificate('cn') // undef,
        reused => $connection->get_session_reused ? 1 : 0,
        exported => unpack('H*', Net::SSLeay::export_keying_material(
            $connection->_get_ssl_object, 32, 'EXPERIMENTAL lab', undef)),
        finished => unpack('H*', $finished),
    });
}

sub post_handshake_authentication {
    my ($connection) = @_;
    my $ssl = $connection->_get_ssl_object;
    Net::SSLeay::set_verify($ssl, Net::SSLeay::VERIFY_PEER(), sub { $_[0] });
    return Net::SSLeay::verify_client_post_handshake($ssl) == 1 ? 'asked' : 'not asked';
}

sub take {
    my ($connection, $size) = @_;
    my $data = '';
    while (length $data < $size) {
        $connection->read($data, $size - length $data, length $data) or return;
    }
    return sha256_hex($data);
}

sub serve {
    my ($connection, $context) = @_;
    while (defined(my $request = <$connection>)) {
        my ($verb, $what) = split ' ', $request;
        if ($verb eq 'FACTS') {
            print {$connection} facts($connection), "\n";
        } elsif ($verb eq 'SEND') {
            print {$connection} do { local (@ARGV, $/) = $what; <> };
        } elsif ($verb eq 'TAKE') {
            print {$connection} take($connection, $what), "\n";
        } elsif ($verb eq 'AUTHENTICATE') {
            print {$connection} post_handshake_authentication($connection), "\n";
        } elsif ($verb eq 'ROTATE') {
            @ticket_keys = reverse @ticket_keys;
            print {$connection} "rotated\n";
        } elsif ($verb eq 'STARTTLS') {
            print {$connection} "go\n";
            IO::Socket::SSL->start_SSL($connection, SSL_server => 1, SSL_reuse_ctx => $context)
                or last;
        } elsif ($verb eq 'STOPTLS') {
            $connection->stop_SSL or last;
            print {$connection} "in the clear\n";
        } else {
            last;
        }
    }
    $connection->close;
}

my %contexts = services();
my %listeners = map { $_ => IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0,
    Listen => 5, ReuseAddr => 1) } keys %contexts;
my %names = map { fileno($listeners{$_}) => $_ } keys %listeners;
my $select = IO::Select->new(values %listeners);
print 'listening ', encode_json({ map { $_ => $listeners{$_}->sockport } keys %listeners }), "\n";

while (my @ready = $select->can_read) {
    for my $listener (@ready) {
        my $name = $names{fileno $listener};
        my $connection = $listener->accept or next;
        if ($name !~ /^plain/) {
            IO::Socket::SSL->start_SSL($connection, SSL_server => 1,
                SSL_reuse_ctx => $contexts{$name}, Timeout => 5) or next;
        }
        serve($connection, $contexts{$name});
    }
}
