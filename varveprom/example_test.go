package varveprom_test

import (
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/varvekv/varve"
	"github.com/varvekv/varve/varveprom"
	"github.com/varvekv/varve/vfs"
)

func ExampleNewCollector() {
	db, err := varve.Open("db", &varve.Options{FS: vfs.NewStrict(1)})
	if err != nil {
		panic(err)
	}
	defer db.Close()
	if err := db.Put([]byte("k"), []byte("v")); err != nil {
		panic(err)
	}

	registry := prometheus.NewRegistry()
	registry.MustRegister(varveprom.NewCollector(db, &varveprom.Options{Database: "users"}))
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{}) // http.Handle("/metrics", handler)

	page := httptest.NewRecorder()
	handler.ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(page.Body.String()) {
		if strings.HasPrefix(line, "varve_operations_total") {
			fmt.Print(line)
		}
	}
	// Output: varve_operations_total{database="users"} 1
}
