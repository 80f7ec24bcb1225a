# A client with OpenSSL::SSL that runs every scenario against ruby_server.rb.
# usage: ruby_client.rb PORTS, the JSON object that the server has printed

require "digest"
require "json"
require "net/http"
require "openssl"
require "socket"
require "timeout"

$stdout.sync = true

PORTS = JSON.parse(ARGV[0])
PAYLOAD = File.binread("payload")
SHA256 = Digest::SHA256.hexdigest(PAYLOAD)

class Unexpected < StandardError; end

def scenario(name)
  Timeout.timeout(10) { yield }
  puts "ok #{name}"
rescue Unexpected, OpenSSL::OpenSSLError, SystemCallError, IOError, NoMethodError,
       Timeout::Error => error
  puts "failed #{name}: #{error.class} #{error.message}".gsub(/\s+/, " ")
end

def is(found, expected, what)
  raise Unexpected, "#{what} is #{found.inspect}, not #{expected.inspect}" if found != expected
end

def context
  OpenSSL::SSL::SSLContext.new.tap do |context|
    context.set_params(ca_file: "ca.pem", verify_mode: OpenSSL::SSL::VERIFY_PEER)
    yield context if block_given?
  end
end

def unconnected(service, context, name, session = nil)
  socket = TCPSocket.new("127.0.0.1", PORTS[service])
  OpenSSL::SSL::SSLSocket.new(socket, context).tap do |tls|
    tls.sync_close = true
    tls.hostname = name
    tls.session = session if session
  end
end

# Yields a connection and closes it; returns what the block returns.
def connected(service, context = context(), name: "localhost", session: nil)
  tls = unconnected(service, context, name, session)
  begin
    tls.connect
    yield tls
  ensure
    tls.close
  end
end

def facts(tls)
  tls.puts("FACTS")
  JSON.parse(tls.gets)
end

def transfer(tls)
  tls.puts("SEND payload")
  is(Digest::SHA256.hexdigest(tls.read(PAYLOAD.bytesize)), SHA256, "what arrived")
  tls.write("TAKE #{PAYLOAD.bytesize}\n", PAYLOAD)
  is(tls.gets, "#{SHA256}\n", "what the server got")
end

def transfer_both_ways(service, version, cipher)
  connected(service) do |tls|
    found = facts(tls)
    is(found["version"], version, "the version")
    is(tls.ssl_version, version, "our version")
    is(found["cipher"] =~ cipher, 0, "the place of #{cipher} in #{found["cipher"]}")
    is(tls.peer_cert.subject.to_s, "/CN=localhost", "the name of the server")
    is(tls.post_connection_check("localhost"), true, "the check of the name")
    is(tls.verify_result, OpenSSL::X509::V_OK, "the result of the verification")
    is(found["finished"], tls.finished_message.unpack1("H*"), "our Finished, as the server saw it")
    transfer(tls)
    tls.puts("BYE")
    is(tls.gets, nil, "what comes after the close")
  end
end

def server_name(service)
  connected(service, name: "other.example") do |tls|
    is(tls.peer_cert.subject.to_s, "/CN=other.example", "the certificate")
    is(facts(tls)["sni"], "other.example", "the name")
  end
end

def alpn(service)
  connected(service, context { |c| c.alpn_protocols = %w[spdy/1 http/1.1] }) do |tls|
    is(tls.alpn_protocol, "http/1.1", "the protocol")
    is(facts(tls)["alpn"], "http/1.1", "its protocol")
  end
  connected(service) { |tls| is(facts(tls)["alpn"], nil, "without an offer") }
  refused(service, context { |c| c.alpn_protocols = %w[spdy/1] },
          /alert no application protocol|alert handshake failure/)
end

def client_context
  certificate = OpenSSL::X509::Certificate.new(File.read("client.pem"))
  key = OpenSSL::PKey.read(File.read("client.key"))
  context { |c| c.add_certificate(certificate, key) }
end

def client_certificate(service)
  connected(service, client_context) do |tls|
    is(facts(tls)["peer"], "/CN=test client", "the client")
    is(tls.client_ca.map(&:to_s), ["/CN=Test CA"], "the list of authorities")
  end
end

def client_certificate_callback(service)
  called = 0
  chosen = context do |c|
    c.client_cert_cb = lambda do |_|
      called += 1
      [OpenSSL::X509::Certificate.new(File.read("client.pem")),
       OpenSSL::PKey.read(File.read("client.key"))]
    end
  end
  connected(service, chosen) { |tls| is(facts(tls)["peer"], "/CN=test client", "the client") }
  is(called, 1, "the number of calls")
end

def refused(service, context, error, name: "localhost")
  connected(service, context, name: name) { |tls| tls.gets }
rescue OpenSSL::SSL::SSLError => refusal
  is(refusal.message[error].nil?, false, "#{error} in #{refusal.message}: its absence")
else
  raise Unexpected, "not refused"
end

def session(service)
  kept = connected(service) do |tls|
    is(facts(tls)["reused"], false, "reuse at first")
    tls.session
  end
  again = OpenSSL::SSL::Session.new(kept.to_der)
  is(again, kept, "the session from its DER")
  connected(service, session: again) do |tls|
    is(tls.session_reused?, true, "reuse for us")
    is(facts(tls)["reused"], true, "reuse for the server")
    transfer(tls)
  end
end

def session_callback(service)
  kept = []
  collecting = context do |c|
    c.session_cache_mode = OpenSSL::SSL::SSLContext::SESSION_CACHE_CLIENT
    c.session_new_cb = ->((_, session)) { kept << session }
  end
  connected(service, collecting) { |tls| facts(tls) }
  is(kept.empty?, false, "the absence of sessions")
  connected(service, collecting, session: kept.last) do |tls|
    is(facts(tls)["reused"], true, "reuse")
  end
end

# The server keeps sessions outside of the library.
def cache_outside(service)
  kept = connected(service) do |tls|
    is(facts(tls)["sessions"] > 0, true, "the server has been given a session:")
    tls.session
  end
  connected(service, session: kept) { |tls| is(facts(tls)["reused"], true, "reuse") }
end

def verify_callback(service)
  seen = []
  watching = context do |c|
    c.verify_callback = lambda do |ok, store|
      seen << [store.error_depth, ok, store.current_cert.subject.to_s]
      ok
    end
  end
  connected(service, watching) { |tls| facts(tls) }
  is(seen, [[1, true, "/CN=Test CA"], [0, true, "/CN=localhost"]], "what the callback saw")
  refused(service, context { |c| c.verify_callback = ->(_, store) { store.error_depth == 1 } },
          /certificate verify failed/)
  trusting = context do |c|
    c.ca_file = "client.pem"
    c.verify_callback = ->(_, _) { true }
  end
  connected(service, trusting) { |tls| facts(tls) }
end

def temporary_key(service, &check)
  connected(service) { |tls| check.call(tls.tmp_key) }
end

def patiently(tls)
  while (result = yield).is_a?(Symbol)
    result == :wait_readable ? tls.to_io.wait_readable(5) : tls.to_io.wait_writable(5)
  end
  result
end

def non_blocking(service)
  tls = unconnected(service, context, "localhost")
  patiently(tls) { tls.connect_nonblock(exception: false) }
  output = "TAKE #{PAYLOAD.bytesize}\n" + PAYLOAD
  until output.empty?
    written = patiently(tls) { tls.write_nonblock(output, exception: false) }
    output = output.byteslice(written..)
  end
  is(patiently(tls) { tls.read_nonblock(100, exception: false) }, "#{SHA256}\n", "the answer")
  is(tls.pending, 0, "what is left")
  tls.close
end

def start_tls(service, version)
  socket = TCPSocket.new("127.0.0.1", PORTS[service])
  socket.puts("STARTTLS")
  is(socket.gets, "go\n", "the answer in the clear")
  tls = OpenSSL::SSL::SSLSocket.new(socket, context)
  tls.hostname = "localhost"
  tls.connect
  is(facts(tls)["version"], version, "the version")
  transfer(tls)
  tls.close
  is(socket.closed?, false, "the end of the socket with TLS")
  socket.close
end

def net_http(service)
  http = Net::HTTP.new("localhost", PORTS[service])
  http.ipaddr = "127.0.0.1"
  http.use_ssl = true
  http.ca_file = "ca.pem"
  http.start do
    response = http.get("/payload")
    is(response.code, "200", "the status")
    is(Digest::SHA256.hexdigest(response.body), SHA256, "what arrived")
  end
end

REFUSALS = { 12 => /alert handshake failure/, 13 => /alert certificate required/ }.freeze
ECDSA_SUITES = { 12 => /ECDHE-ECDSA-/, 13 => /TLS_AES_/ }.freeze
RSA_SUITES = { 12 => /ECDHE-RSA-/, 13 => /TLS_AES_/ }.freeze

[12, 13].each do |n|
  version = n == 12 ? "TLSv1.2" : "TLSv1.3"
  label = version.tr(".", "_")
  scenario("transfer.ecdsa.#{label}") { transfer_both_ways("tls#{n}", version, ECDSA_SUITES[n]) }
  scenario("transfer.rsa.#{label}") { transfer_both_ways("rsa#{n}", version, RSA_SUITES[n]) }
  scenario("sni.#{label}") { server_name("tls#{n}") }
  scenario("alpn.#{label}") { alpn("tls#{n}") }
  scenario("client-certificate.#{label}") { client_certificate("auth#{n}") }
  scenario("client-certificate-callback.#{label}") { client_certificate_callback("auth#{n}") }
  scenario("no-client-certificate.#{label}") { refused("auth#{n}", context, REFUSALS[n]) }
  scenario("wrong-name.#{label}") do
    refused("tls#{n}", context, /hostname mismatch/, name: "elsewhere.example")
  end
  scenario("unknown-issuer.#{label}") do
    refused("tls#{n}", context { |c| c.ca_file = "client.pem" }, /unable to get local issuer/)
  end
  scenario("session.#{label}") { session("tls#{n}") }
  scenario("session-callback.#{label}") { session_callback("tls#{n}") }
  scenario("cache-outside.#{label}") { cache_outside("cache#{n}") }
  scenario("verify-callback.#{label}") { verify_callback("tls#{n}") }
  scenario("curve.#{label}") do
    temporary_key("p384#{n}") { |key| is(key.group.curve_name, "secp384r1", "the curve") }
  end
  scenario("non-blocking.#{label}") { non_blocking("tls#{n}") }
  scenario("start-tls.#{label}") { start_tls("plain#{n}", version) }
  scenario("net-http.#{label}") { net_http("tls#{n}") }
end
scenario("dhe.TLSv1_2") do
  temporary_key("dhe12") { |key| is(key.class, OpenSSL::PKey::DH, "the class of the key") }
end
