package main

import (
	"errors"
	"expvar"
	"net"
	"net/http"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/varvekv/varve"
)

// serve answers as a process with package expvar does, with the figures of the
// database that is held: over TCP at $URL and on the socket top.sock.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	slot := ts.Value(held{}).(**varve.DB)
	if neg || len(args) != 0 || *slot == nil {
		ts.Fatalf("usage: serve, after hold")
	}
	db := *slot
	published := new(expvar.Map)
	published.Set("varve", expvar.Func(func() any { return db.Metrics() }))
	published.Set("other", expvar.Func(func() any { return "text" }))
	handler := http.NewServeMux()
	handler.HandleFunc("/debug/vars", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(published.String())) // who asked has gone: nobody to tell
	})
	handler.HandleFunc("/text", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("no figures")) })
	for _, at := range []struct{ network, address string }{{"tcp", "127.0.0.1:0"}, {"unix", ts.MkAbs("top.sock")}} {
		listener, err := net.Listen(at.network, at.address)
		ts.Check(err)
		if at.network == "tcp" {
			ts.Setenv("URL", "http://"+listener.Addr().String())
		}
		server := &http.Server{Handler: handler}
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(listener) }()
		ts.Defer(func() {
			if err := server.Close(); err != nil {
				ts.Logf("close the server: %v", err)
			}
			if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
				ts.Logf("the server ended: %v", err)
			}
		})
	}
}
