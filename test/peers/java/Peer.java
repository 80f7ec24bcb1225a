import java.io.FileInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * One TLS connection with Java's JSSE.
 *
 * <pre>
 * Peer server VERSION CERT KEY SUITE GROUPS LENGTH CA|-
 * Peer client VERSION PORT CA SUITE GROUPS FILE LENGTH CERT|- KEY|-
 * </pre>
 *
 * The server sends LENGTH bytes back as they came; the client sends FILE and reads LENGTH bytes.
 * Both print: protocol, cipher suite, SHA-256 of what they received, the other's name or "-".
 */
final class Peer {
  private static final Map<String, String> GROUPS =
      Map.of("X25519", "x25519", "P-256", "secp256r1", "P-384", "secp384r1", "P-521", "secp521r1");
  private static final char[] PASSWORD = "unused".toCharArray();

  private static String version;  // TLSv1.2 or TLSv1.3

  public static void main(String[] arguments) throws Exception {
    version = arguments[1];
    // The provider reads this once, when it is first used.
    System.setProperty("jdk.tls.namedGroups",
        Stream.of(arguments[5].split(":")).map(GROUPS::get).collect(Collectors.joining(",")));
    if (arguments[0].equals("server")) {
      serve(arguments[2], arguments[3], arguments[4], Integer.parseInt(arguments[6]), arguments[7]);
    } else {
      connect(Integer.parseInt(arguments[2]), context(arguments[8], arguments[9], arguments[3]),
          arguments[4], Files.readAllBytes(Path.of(arguments[6])), Integer.parseInt(arguments[7]));
    }
  }

  private static void serve(String certificate, String key, String suite, int length, String ca)
      throws Exception {
    SSLContext context = context(certificate, key, ca);
    try (SSLServerSocket listener =
        (SSLServerSocket) context.getServerSocketFactory().createServerSocket()) {
      SSLParameters parameters = parameters(suite);
      parameters.setNeedClientAuth(!ca.equals("-"));
      listener.setSSLParameters(parameters);
      listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      try (SSLSocket socket = (SSLSocket) listener.accept()) {
        byte[] received = socket.getInputStream().readNBytes(length);
        socket.getOutputStream().write(received);
        if (socket.getInputStream().read() != -1) throw new IOException("more data than expected");
        report(socket.getSession(), received);
      }
    }
  }

  private static void connect(int port, SSLContext context, String suite, byte[] data, int length)
      throws Exception {
    Socket plain = new Socket(InetAddress.getLoopbackAddress(), port);
    try (SSLSocket socket =
        (SSLSocket) context.getSocketFactory().createSocket(plain, "localhost", port, true)) {
      SSLParameters parameters = parameters(suite);
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      socket.setSSLParameters(parameters);
      socket.getOutputStream().write(data);
      report(socket.getSession(), socket.getInputStream().readNBytes(length));
    }
  }

  private static SSLParameters parameters(String suite) {
    return new SSLParameters(new String[] {suite}, new String[] {version});
  }

  private static void report(SSLSession session, byte[] received) throws Exception {
    String peer = "-";
    try {
      X509Certificate certificate = (X509Certificate) session.getPeerCertificates()[0];
      peer = certificate.getSubjectX500Principal().getName().replaceFirst("^CN=", "");
    } catch (SSLPeerUnverifiedException noCertificate) {
      // A server that has not asked its client for one.
    }
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(received);
    System.out.println(session.getProtocol() + " " + session.getCipherSuite() + " "
        + HexFormat.of().formatHex(digest) + " " + peer);
  }

  /** Each file may be "-": no certificate of one's own, nobody trusted. */
  private static SSLContext context(String certificate, String key, String ca) throws Exception {
    KeyManager[] own = null;
    if (!certificate.equals("-")) {
      Certificate leaf = certificate(certificate);
      KeyStore store = emptyStore();
      PrivateKey secret = key(key, leaf.getPublicKey().getAlgorithm());
      store.setKeyEntry("own", secret, PASSWORD, new Certificate[] {leaf});
      KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
      factory.init(store, PASSWORD);
      own = factory.getKeyManagers();
    }
    TrustManager[] trusted = null;
    if (!ca.equals("-")) {
      KeyStore store = emptyStore();
      store.setCertificateEntry("ca", certificate(ca));
      TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
      factory.init(store);
      trusted = factory.getTrustManagers();
    }
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(own, trusted, null);
    return context;
  }

  private static KeyStore emptyStore() throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, PASSWORD);
    return store;
  }

  private static Certificate certificate(String file) throws Exception {
    try (FileInputStream stream = new FileInputStream(file)) {
      return CertificateFactory.getInstance("X.509").generateCertificate(stream);
    }
  }

  private static PrivateKey key(String file, String algorithm) throws Exception {
    String pem = Files.readString(Path.of(file)).replaceAll("-----[A-Z ]*-----|\\s", "");
    return KeyFactory.getInstance(algorithm)
        .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
  }
}
