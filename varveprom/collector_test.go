package varveprom

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
	"github.com/varvekv/varve/wal"
)

func open(t *testing.T) *varve.DB {
	t.Helper()
	db, err := varve.Open("db", &varve.Options{FS: vfs.NewStrict(1), MemtableBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// work makes most figures differ from 0.
func work(t *testing.T, db *varve.DB) {
	t.Helper()
	for i := range 300 {
		if err := db.With(varve.Written).Put(fmt.Appendf(nil, "%04d", i), make([]byte, 500)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(db.Sync(), db.Flush(), db.Compact(t.Context(), nil, nil)); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		if _, err := db.Get(fmt.Appendf(nil, "%04d", i)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCollectorPassesThePedants(t *testing.T) {
	db := open(t)
	work(t, db)
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(NewCollector(db, &Options{Database: "one", Labels: prometheus.Labels{"shard": "7"}}))
	other := open(t)
	r.MustRegister(NewCollector(other, &Options{Database: "two", Labels: prometheus.Labels{"shard": "8"}}))
	for _, when := range []string{"open", "closed"} {
		problems, err := testutil.GatherAndLint(r)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s: %s", when, p.Metric, p.Text)
		}
		if when == "closed" {
			break
		}
		if err := errors.Join(db.Close(), other.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := testutil.GatherAndCompare(r, strings.NewReader(`
		# HELP varve_operations_total Committed Puts and Deletes.
		# TYPE varve_operations_total counter
		varve_operations_total{database="one",shard="7"} 300
		varve_operations_total{database="two",shard="8"} 0
		# HELP varve_gets_total Point reads by what they found.
		# TYPE varve_gets_total counter
		varve_gets_total{database="one",result="failure",shard="7"} 0
		varve_gets_total{database="one",result="hit",shard="7"} 300
		varve_gets_total{database="one",result="miss",shard="7"} 0
		varve_gets_total{database="two",result="failure",shard="8"} 0
		varve_gets_total{database="two",result="hit",shard="8"} 0
		varve_gets_total{database="two",result="miss",shard="8"} 0
	`), "varve_operations_total", "varve_gets_total"); err != nil {
		t.Error(err)
	}
}

func TestHistogramsAddUp(t *testing.T) {
	var m varve.Metrics
	m.Log.SyncHistogram[1], m.Log.SyncHistogram[10], m.Log.SyncHistogram[31] = 2, 3, 1
	m.Log.SyncTime = 5 * time.Second
	m.Log.GroupHistogram[0], m.Log.GroupHistogram[2], m.Log.GroupHistogram[15] = 4, 5, 1
	text := gather(t, m)
	for _, want := range []string{
		`varve_log_sync_duration_seconds_bucket{le="2e-06"} 2`, `varve_log_sync_duration_seconds_bucket{le="0.001024"} 5`,
		`varve_log_sync_duration_seconds_bucket{le="+Inf"} 6`, `varve_log_sync_duration_seconds_sum 5`,
		`varve_log_group_commits_bucket{le="1"} 4`, `varve_log_group_commits_bucket{le="3"} 4`, `varve_log_group_commits_bucket{le="7"} 9`,
		`varve_log_group_commits_count 10`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
}

// fake is a source of one's own figures.
type fake varve.Metrics

func (f fake) Metrics() varve.Metrics { return varve.Metrics(f) }

func gather(t *testing.T, m varve.Metrics) string {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(newCollector(fake(m), nil))
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
			t.Fatal(err)
		}
	}
	return text.String()
}

// untold are the figures that no series shows: sums of others, and what Go's own
// collector tells.
var untold = []string{
	"Stalls", "Paced", "StallTime", "Reads.Gets", "Log.DurableSeq", "Log.Written", "Log.BufferBytes", "Log.CloseFails", "Log.Syncs", "Log.Groups",
	"Log.GroupMax", "Log.RoomWaits", "Log.RoomWaitTime", "Memory.GoHeap", "Memory.GoTotal",
	"Recovery.Log", "Recovery.Manifest", "Recovery.OrphansRemoved", "Recovery.Created",
}

// TestEveryFigureIsTold: whoever adds one to Metrics is asked for its series.
func TestEveryFigureIsTold(t *testing.T) {
	before := gather(t, varve.Metrics{})
	leaves(reflect.TypeFor[varve.Metrics](), "", nil, func(path string, index []int) {
		if slices.ContainsFunc(untold, func(u string) bool { return path == u || strings.HasPrefix(path, u+".") }) {
			return
		}
		var m varve.Metrics
		field := reflect.ValueOf(&m).Elem()
		for _, i := range index {
			if field.Kind() == reflect.Array {
				field = field.Index(i)
			} else {
				field = field.Field(i)
			}
		}
		switch field.Kind() {
		case reflect.Interface:
			field.Set(reflect.ValueOf(errors.New("failed")))
		case reflect.Int, reflect.Int64:
			field.SetInt(3e9)
		case reflect.Uint8:
			field.SetUint(1)
		case reflect.Uint64:
			field.SetUint(3e9)
		default:
			t.Fatalf("%s is a %v", path, field.Kind())
		}
		if gather(t, m) == before {
			t.Errorf("no series shows %s", path)
		}
	})
	var m varve.Metrics
	m.Recovery.Log.Verdict, m.Recovery.Log.Dropped = wal.Clean, 1
	if gather(t, m) == before {
		t.Error("recovery is not shown")
	}
}

// leaves calls f for each field that has no fields of its own.
func leaves(typ reflect.Type, path string, index []int, f func(path string, index []int)) {
	switch typ.Kind() {
	case reflect.Struct:
		for i := range typ.NumField() {
			name := strings.TrimPrefix(path+"."+typ.Field(i).Name, ".")
			leaves(typ.Field(i).Type, name, append(slices.Clone(index), i), f)
		}
	case reflect.Array:
		for i := range typ.Len() {
			leaves(typ.Elem(), path, append(slices.Clone(index), i), f)
		}
	default:
		f(path, index)
	}
}
