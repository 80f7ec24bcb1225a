// One TLS connection with Go's crypto/tls.
//
//	peer server VERSION CERT KEY SUITE GROUPS LENGTH CA|-
//	peer client VERSION PORT CA SUITE GROUPS FILE LENGTH CERT|- KEY|-
//
// The server sends LENGTH bytes back as they came; the client sends FILE and reads LENGTH bytes.
// Both print: protocol, cipher suite, SHA-256 of what they received, the other's name or "-".
// VERSION is TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3. crypto/tls does not let a program choose suites of
// TLS 1.3: there SUITE is only compared with the result.
package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
)

var curves = map[string]tls.CurveID{
	"X25519": tls.X25519, "P-256": tls.CurveP256, "P-384": tls.CurveP384, "P-521": tls.CurveP521,
}

var versions = map[string]uint16{
	"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12,
	"TLSv1.3": tls.VersionTLS13,
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func read(file string) []byte {
	data, err := os.ReadFile(file)
	must(err)
	return data
}

func pool(file string) *x509.CertPool {
	certificates := x509.NewCertPool()
	if !certificates.AppendCertsFromPEM(read(file)) {
		log.Fatal("no certificate in ", file)
	}
	return certificates
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	must(err)
	return value
}

func suiteNumber(name string) uint16 {
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if suite.Name == name {
			return suite.ID
		}
	}
	log.Fatal("crypto/tls has no ", name)
	return 0
}

func config(version, suite, groups, certificate, key string) *tls.Config {
	number := versions[version]
	result := &tls.Config{MinVersion: number, MaxVersion: number, ServerName: "localhost"}
	if number < tls.VersionTLS13 {
		result.CipherSuites = []uint16{suiteNumber(suite)}
	}
	for _, name := range strings.Split(groups, ":") {
		result.CurvePreferences = append(result.CurvePreferences, curves[name])
	}
	if certificate != "-" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		must(err)
		result.Certificates = []tls.Certificate{pair}
	}
	return result
}

func report(connection *tls.Conn, version, suite string, received []byte) {
	state := connection.ConnectionState()
	if name := tls.CipherSuiteName(state.CipherSuite); name != suite {
		log.Fatalf("negotiated %s, not %s", name, suite)
	}
	peer := "-"
	if len(state.PeerCertificates) > 0 {
		peer = state.PeerCertificates[0].Subject.CommonName
	}
	if state.Version != versions[version] {
		log.Fatalf("negotiated version %#x, not %s", state.Version, version)
	}
	fmt.Printf("%s %s %x %s\n", version, suite, sha256.Sum256(received), peer)
}

func serve(version string, arguments []string) {
	settings := config(version, arguments[2], arguments[3], arguments[0], arguments[1])
	if arguments[5] != "-" {
		settings.ClientCAs = pool(arguments[5])
		settings.ClientAuth = tls.RequireAndVerifyClientCert
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	accepted, err := listener.Accept()
	must(err)
	connection := tls.Server(accepted, settings)
	received := make([]byte, number(arguments[4]))
	_, err = io.ReadFull(connection, received)
	must(err)
	_, err = connection.Write(received)
	must(err)
	if _, err = connection.Read(make([]byte, 1)); err != io.EOF {
		log.Fatal("the client has not closed in order: ", err)
	}
	must(connection.Close())
	report(connection, version, arguments[2], received)
}

func connect(version string, arguments []string) {
	settings := config(version, arguments[2], arguments[3], arguments[6], arguments[7])
	settings.RootCAs = pool(arguments[1])
	connection, err := tls.Dial("tcp", "127.0.0.1:"+arguments[0], settings)
	must(err)
	_, err = connection.Write(read(arguments[4]))
	must(err)
	received := make([]byte, number(arguments[5]))
	_, err = io.ReadFull(connection, received)
	must(err)
	must(connection.Close())
	report(connection, version, arguments[2], received)
}

func main() {
	log.SetFlags(0)
	if os.Args[1] == "server" {
		serve(os.Args[2], os.Args[3:])
	} else {
		connect(os.Args[2], os.Args[3:])
	}
}
