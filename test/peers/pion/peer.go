// One connection of DTLS 1.2 with Pion, or several; options and output as those of ../mbedtls/peer.c.
// Each end has its sessions in a store of its own, so that later connections resume the first one's.
package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/pion/dtls/v2"
)

var options = map[string]string{}

var suites = map[string]dtls.CipherSuiteID{
	"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256":   dtls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA":    dtls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
	"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA":      dtls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
	"TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8":      dtls.TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8,
	"TLS_PSK_WITH_AES_128_GCM_SHA256":         dtls.TLS_PSK_WITH_AES_128_GCM_SHA256,
	"TLS_PSK_WITH_AES_128_CCM_8":              dtls.TLS_PSK_WITH_AES_128_CCM_8,
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func number(name string, otherwise int) int {
	if options[name] == "" {
		return otherwise
	}
	value, err := strconv.Atoi(options[name])
	must(err)
	return value
}

// sessions is a dtls.SessionStore.
type sessions struct {
	mutex sync.Mutex
	known map[string]dtls.Session
	used  bool
}

func (s *sessions) Set(key []byte, session dtls.Session) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.known[string(key)] = session
	return nil
}

func (s *sessions) Get(key []byte) (dtls.Session, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	session, found := s.known[string(key)]
	s.used = s.used || found
	return session, nil
}

func (s *sessions) Del(key []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.known, string(key))
	return nil
}

func config(store *sessions) *dtls.Config {
	result := &dtls.Config{
		CipherSuites:         []dtls.CipherSuiteID{suites[options["suite"]]},
		ExtendedMasterSecret: dtls.RequireExtendedMasterSecret,
		ServerName:           "localhost",
		MTU:                  number("mtu", 1200),
		SessionStore:         store,
	}
	if key := options["key"]; key != "" {
		secret, err := hex.DecodeString(key)
		must(err)
		result.PSK = func([]byte) ([]byte, error) { return secret, nil }
		result.PSKIdentityHint = []byte("somebody")
	}
	if name := options["certificate"]; name != "" {
		pair, err := tls.LoadX509KeyPair(name+".pem", name+".key")
		must(err)
		result.Certificates = []tls.Certificate{pair}
	}
	if file := options["ca"]; file != "" {
		text, err := os.ReadFile(file)
		must(err)
		result.RootCAs = x509.NewCertPool()
		result.RootCAs.AppendCertsFromPEM(text)
		result.ClientCAs = result.RootCAs
		result.ClientAuth = dtls.RequireAndVerifyClientCert
	}
	return result
}

func report(connection *dtls.Conn, received []byte) {
	peer := "-"
	if raw := connection.ConnectionState().PeerCertificates; len(raw) > 0 {
		certificate, err := x509.ParseCertificate(raw[0])
		must(err)
		peer = "CN=" + certificate.Subject.CommonName
	}
	fmt.Printf("DTLSv1.2 %s %x %s\n", options["suite"], sha256.Sum256(received), peer)
}

func receive(connection *dtls.Conn) []byte {
	buffer := make([]byte, 8192)
	length, err := connection.Read(buffer)
	must(err)
	return buffer[:length]
}

func serve(settings *dtls.Config) {
	address := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: number("port", 0)}
	listener, err := dtls.Listen("udp4", address, settings)
	must(err)
	for i := number("connections", 1); i > 0; i-- {
		accepted, err := listener.Accept()
		must(err)
		connection := accepted.(*dtls.Conn)
		received := receive(connection)
		_, err = connection.Write(received)
		must(err)
		// Until the client closes.
		_, err = connection.Read(make([]byte, 1))
		if err == nil {
			log.Fatal("the client has said more")
		}
		report(connection, received)
	}
}

func ask(settings *dtls.Config) {
	question, err := os.ReadFile(options["question"])
	must(err)
	address := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: number("port", 0)}
	for i := number("connections", 1); i > 0; i-- {
		connection, err := dtls.Dial("udp4", address, settings)
		must(err)
		_, err = connection.Write(question)
		must(err)
		received := receive(connection)
		for len(received) < len(question) {
			received = append(received, receive(connection)...)
		}
		must(connection.Close())
		report(connection, received)
	}
}

func main() {
	log.SetFlags(0)
	for _, argument := range os.Args[2:] {
		name, value, _ := strings.Cut(argument, "=")
		options[name] = value
	}
	store := &sessions{known: map[string]dtls.Session{}}
	settings := config(store)
	if os.Args[1] == "server" {
		serve(settings)
	} else {
		ask(settings)
	}
	if number("connections", 1) > 1 && !store.used {
		log.Fatal("no session was found again")
	}
}
