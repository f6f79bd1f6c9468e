package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/mapengine"
)

func withProperties(list ...string) []string {
	args := small("--workloads", "a")
	for _, p := range list {
		args = append(args, "-p", p)
	}
	return args
}

func TestPropertiesThatWouldChangeTheResultAreRefused(t *testing.T) {
	for _, p := range []string{
		"workload=site.ycsb.workloads.TimeSeriesWorkload", "fieldlengthdistribution=zipfian", "fieldlengthhistogram=x",
		"readallfields=false", "insertstart=5", "insertcount=100", "core_workload_insertion_retry_limit=3",
		"exporter=site.ycsb.measurements.exporter.JSONMeasurementsExporter", "measurementtype=timeseries",
		"measurement.interval=sometimes", "measurement.interval=both", "measurement.trackjvm=true", "measurement.histogram.verbose=true",
		"measurement.unheard=1", "hdrhistogram.percentiles=50,97", "hdrhistogram.unheard=1", "hdrhistogram.fileoutput=true",
		"hdrhistogram.fileoutput=yes", "dotransactions=maybe", "requestdistribution=gaussian", "hotspotdatafraction=1.5",
		"hotspotopnfraction=-1", "hotspotopnfraction=NaN", "exponential.percentile=100", "exponential.percentile=0", "exponential.frac=0",
		"exponential.unheard=1", "minscanlength=0", "minscanlength=101", "maxscanlength=x", "scanlengthdistribution=latest",
		"insertorder=random", "zeropadding=-1", "zeropadding=501", "zeropadding=x", "maxexecutiontime=long", "fieldcount=x", "target=fast",
	} {
		name, _, _ := strings.Cut(p, "=")
		code, _, errs := run(t, mapengine.Open, withProperties(p)...)
		if code != exitUsage || !strings.Contains(errs, name) && !strings.Contains(errs, "scanlength") {
			t.Errorf("%s: code %d, %q", p, code, errs)
		}
	}
}

func TestPropertiesThatYCSBsFilesHold(t *testing.T) {
	for _, list := range [][]string{
		{"workload=site.ycsb.workloads.CoreWorkload", "readallfields=true", "writeallfields=true", "table=usertable", "db=site.ycsb.BasicDB"},
		{"measurementtype=hdrhistogram", "hdrhistogram.percentiles=95, 99,99.9", "measurement.trackjvm=false", "status=true", "status.interval=1"},
		{"measurement.interval=both", "target=1000000"}, {"rocksdb.dir=/x", "redis.host=y", "insertstart=0", "dataintegrity=true"},
		{"requestdistribution=hotspot", "hotspotdatafraction=0.1", "hotspotopnfraction=0.9"},
		{"requestdistribution=exponential", "exponential.percentile=90", "exponential.frac=0.3"},
		{"requestdistribution=sequential"}, {"scanlengthdistribution=zipfian", "minscanlength=2"}, {"insertorder=ordered", "zeropadding=12"},
	} {
		code, out, errs := run(t, mapengine.Open, withProperties(list...)...)
		if code != exitOK {
			t.Errorf("%v: code %d, %s", list, code, errs)
			continue
		}
		if p := list[0]; strings.HasPrefix(p, "requestdistribution") && !strings.Contains(out, p) {
			t.Errorf("%q is not in\n%s", p, out)
		}
	}
}

// The keys that a run leaves are named as the properties say.
func TestInsertOrder(t *testing.T) {
	var e *mapengine.Engine
	open := func(o engine.Options) (engine.Engine, error) {
		opened, err := mapengine.Open(o)
		e = opened.(*mapengine.Engine)
		return opened, err
	}
	code, _, errs := run(t, open, withProperties("insertorder=ordered", "zeropadding=6", "dotransactions=true")...)
	if code != exitOK {
		t.Fatal(errs)
	}
	c, err := e.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	if _, err := c.Scan(nil, 3, func(key, _ []byte) error { keys = append(keys, string(key)); return nil }); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(keys, " "); got != "user000000 user000001 user000002" {
		t.Errorf("keys %s", got)
	}
}

func TestARunWithoutTransactionsIsALoad(t *testing.T) {
	_, out, _ := run(t, mapengine.Open, "ycsb", "--records", "500", "--value-size", "100", "-p", "dotransactions=false", "-p", "readproportion=1")
	if !strings.Contains(out, "│ load ") || strings.Contains(out, "│ own ") {
		t.Errorf("%s", out)
	}
}

func TestPropertiesNameTheFiles(t *testing.T) {
	dir := t.TempDir()
	code, _, errs := run(t, mapengine.Open, withProperties("exportfile="+filepath.Join(dir, "y"),
		"hdrhistogram.fileoutput=true", "hdrhistogram.output.path="+filepath.Join(dir, "h"))...)
	if code != exitOK {
		t.Fatal(errs)
	}
	for name, want := range map[string]string{"y": "[OVERALL], RunTime(ms), ", "h/A.hlog": "Tag=read,"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v, %.200s", name, err, text)
		}
	}
}
