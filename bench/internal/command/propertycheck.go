package command

import (
	"fmt"
	"slices"
	"strings"
)

// A property of YCSB is supported, or refused where it would change what is
// measured, or has nothing to say here: but it is never passed over in silence
// when somebody would read the result differently for it.

// read is properties that other functions look for.
var read = []string{
	"readproportion", "updateproportion", "insertproportion", "scanproportion", "readmodifywriteproportion",
	"requestdistribution", "hotspotdatafraction", "hotspotopnfraction", "exponential.percentile", "exponential.frac",
	"minscanlength", "maxscanlength", "scanlengthdistribution", "insertorder", "zeropadding",
	"fieldlength", "fieldcount", "maxexecutiontime", "hdrhistogram.output.path",
}

// only is properties that have one meaning here; other values are refused.
var only = map[string][]string{
	"workload":                            {"site.ycsb.workloads.CoreWorkload", "com.yahoo.ycsb.workloads.CoreWorkload"},
	"fieldlengthdistribution":             {"constant"},
	"readallfields":                       {"true"},
	"insertstart":                         {"0"},
	"core_workload_insertion_retry_limit": {"0"},
	"exporter":                            {"site.ycsb.measurements.exporter.TextMeasurementsExporter", "com.yahoo.ycsb.measurements.exporter.TextMeasurementsExporter"},
	"measurementtype":                     {"hdrhistogram"},
	"measurement.interval":                {"op", "intended", "both"},
	"measurement.trackjvm":                {"false"},
	"measurement.histogram.verbose":       {"false"},
	"hdrhistogram.fileoutput":             {"false", "true"},
	"dotransactions":                      {"true", "false"},
}

// instead is what to use for a property that is refused.
var instead = map[string]string{
	"insertcount":              "one process loads all; use recordcount",
	"insertstart":              "one process loads all; use recordcount",
	"exporter":                 "use --json, --csv or --benchstat",
	"measurementtype":          "use --json for a time series, --hdr for histograms",
	"measurement.trackjvm":     "the table shows memory and pauses",
	"fieldlengthhistogram":     "values are of one size",
	"fieldlengthdistribution":  "values are of one size",
	"readallfields":            "a record is one value, read whole",
	"hdrhistogram.percentiles": "50, 95, 99, 99.9 and 99.99 are shown",
}

// idle is properties that make no difference here: names that nobody stores, what
// is always so, and what is shown on stderr.
var idle = []string{
	"table", "db", "dataintegrity", "writeallfields", "fieldnameprefix", "readallfieldsbyname", "minfieldlength",
	"status", "status.interval", "label", "histogram.buckets", "core_workload_insertion_retry_interval",
	"reportlatencyforeacherror", "latencytrackederrors", "spin.sleep",
}

// measured begins the dotted names that are YCSB's own. Other dotted names
// belong to its bindings of other databases.
var measured = []string{"measurement.", "hdrhistogram.", "exponential.", "histogram.", "status."}

// checkProperty judges a property that is no flag.
func checkProperty(name, v string) error {
	allowed, isOnly := only[name]
	switch {
	case slices.Contains(read, name), slices.Contains(idle, name), isOnly && slices.Contains(allowed, v):
		return nil
	case name == "hdrhistogram.percentiles" && shownPercentiles(v):
		return nil
	case instead[name] != "":
		return fmt.Errorf("property %s=%s: %s", name, v, instead[name])
	case isOnly:
		return fmt.Errorf("property %s=%s: only %s is known", name, v, strings.Join(allowed, ", "))
	case !strings.Contains(name, "."), slices.ContainsFunc(measured, func(p string) bool { return strings.HasPrefix(name, p) }):
		return fmt.Errorf("property %q is not known", name)
	}
	return nil
}

func shownPercentiles(list string) bool {
	for _, p := range strings.Split(list, ",") {
		if !slices.Contains([]string{"50", "95", "99", "99.9", "99.99"}, strings.TrimSpace(p)) {
			return false
		}
	}
	return true
}
