package command

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/magiconair/properties"
	"github.com/spf13/pflag"

	"github.com/varvekv/varve/bench/internal/workload"
)

// ownPrefix begins properties that are this command's flags: varve.cache=1GiB.
const ownPrefix = "varve."

// flagOf is the flag that means the same as a property of YCSB.
var flagOf = map[string]string{
	"recordcount":    "records",
	"operationcount": "operations",
	"threadcount":    "threads",
	"target":         "target",
}

// ignored is properties of YCSB that make no difference here.
var ignored = []string{
	"workload", "table", "db", "exporter", "exportfile", "dataintegrity", "readallfields", "writeallfields",
	"fieldnameprefix", "fieldlengthdistribution", "measurementtype", "zeropadding", "insertstart", "insertcount",
	"maxexecutiontime", "fieldlength", "fieldcount", "minscanlength",
	"requestdistribution", "maxscanlength", "scanlengthdistribution", "insertorder",
}

// proportions is the properties that make a workload of its own.
var proportions = map[string]workload.Kind{
	"readproportion":            workload.Read,
	"updateproportion":          workload.Update,
	"insertproportion":          workload.Insert,
	"scanproportion":            workload.Scan,
	"readmodifywriteproportion": workload.ReadModifyWrite,
}

// loadProperties reads the files in their order, then the single properties over
// them, as YCSB does.
func loadProperties(files, singles []string) (*properties.Properties, error) {
	all := properties.NewProperties()
	all.DisableExpansion = true
	for _, path := range files {
		loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
		p, err := loader.LoadFile(path)
		if err != nil {
			return nil, fmt.Errorf("properties: %w", err)
		}
		all.Merge(p)
	}
	for _, s := range singles {
		k, v, ok := strings.Cut(s, "=")
		if !ok {
			return nil, fmt.Errorf("property %q is not name=value", s)
		}
		if _, _, err := all.Set(strings.TrimSpace(k), strings.TrimSpace(v)); err != nil {
			return nil, fmt.Errorf("property %q: %w", s, err)
		}
	}
	return all, nil
}

// applyProperties sets the flags that properties speak of, where the command
// line did not: a flag outranks a property.
func applyProperties(p *properties.Properties, flags *pflag.FlagSet) error {
	for _, name := range p.Keys() {
		v, _ := p.Get(name)
		flag, ok := flagOf[name]
		if own, isOwn := strings.CutPrefix(name, ownPrefix); isOwn {
			flag, ok = own, true
		}
		switch {
		case ok:
			if err := setFlag(flags, flag, v); err != nil {
				return fmt.Errorf("property %s: %w", name, err)
			}
		case !known(name):
			return fmt.Errorf("property %q is not known", name)
		}
	}
	return applyComputed(p, flags)
}

// known tells whether a property needs no flag. Dotted names belong to other
// databases and to YCSB's measurements.
func known(name string) bool {
	_, isShare := proportions[name]
	return isShare || slices.Contains(ignored, name) || strings.Contains(name, ".")
}

func setFlag(flags *pflag.FlagSet, name, v string) error {
	f := flags.Lookup(name)
	if f == nil {
		return fmt.Errorf("there is no flag --%s", name)
	}
	if f.Changed {
		return nil
	}
	return f.Value.Set(v)
}

// applyComputed sets the flags whose unit differs from the property's.
func applyComputed(p *properties.Properties, flags *pflag.FlagSet) error {
	if v, ok := p.Get("maxexecutiontime"); ok {
		seconds, err := strconv.Atoi(v)
		if err != nil {
			return fmt.Errorf("property maxexecutiontime=%s: not a number of seconds", v)
		}
		if err := setFlag(flags, "duration", (time.Duration(seconds) * time.Second).String()); err != nil {
			return err
		}
	}
	length, hasLength := p.Get("fieldlength")
	count, hasCount := p.Get("fieldcount")
	if !hasLength && !hasCount {
		return nil
	}
	bytes, err := product(length, "100", count, "10")
	if err != nil {
		return fmt.Errorf("properties fieldlength and fieldcount: %w", err)
	}
	return setFlag(flags, "value-size", strconv.Itoa(bytes))
}

// product multiplies two numbers, each with its default for an empty one.
func product(a, aDefault, b, bDefault string) (int, error) {
	x, err := strconv.Atoi(orDefault(a, aDefault))
	if err != nil {
		return 0, err
	}
	y, err := strconv.Atoi(orDefault(b, bDefault))
	return x * y, err
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// ownMix is the workload that properties describe with proportions; nil when
// they do not. Defaults are those of YCSB's CoreWorkload, and the shares are
// weights, as there.
func ownMix(p *properties.Properties, files []string) (*workload.Mix, error) {
	if !slices.ContainsFunc(p.Keys(), func(k string) bool { _, ok := proportions[k]; return ok }) {
		return nil, nil
	}
	m := &workload.Mix{Name: "own", Distribution: workload.Uniform, MaxScan: 1000}
	if len(files) > 0 {
		m.Name = filepath.Base(files[len(files)-1])
	}
	m.Shares[workload.Read], m.Shares[workload.Update] = 0.95, 0.05
	if err := readShares(p, m); err != nil {
		return nil, err
	}
	return m, readShape(p, m)
}

func readShares(p *properties.Properties, m *workload.Mix) error {
	for name, kind := range proportions {
		if v, ok := p.Get(name); ok {
			share, err := strconv.ParseFloat(v, 64)
			if err != nil || !(share >= 0 && share < 1e9) {
				return fmt.Errorf("property %s=%s: not a share", name, v)
			}
			m.Shares[kind] = share
		}
	}
	sum := 0.0
	for _, s := range m.Shares {
		sum += s
	}
	if sum == 0 {
		return fmt.Errorf("all proportions are 0")
	}
	for k := range m.Shares {
		m.Shares[k] /= sum
	}
	return nil
}

func readShape(p *properties.Properties, m *workload.Mix) error {
	if v, ok := p.Get("requestdistribution"); ok {
		if m.Distribution, ok = workload.ParseDistribution(v); !ok {
			return fmt.Errorf("property requestdistribution=%s: only zipfian, latest and uniform are known", v)
		}
	}
	if v, ok := p.Get("maxscanlength"); ok {
		n, err := strconv.ParseUint(v, 10, 31)
		if err != nil || n == 0 {
			return fmt.Errorf("property maxscanlength=%s: not a number of records", v)
		}
		m.MaxScan = n
	}
	for name, only := range map[string]string{
		"scanlengthdistribution": "uniform", "insertorder": "hashed", "fieldlengthdistribution": "constant", "minscanlength": "1",
	} {
		if v, ok := p.Get(name); ok && v != only {
			return fmt.Errorf("property %s=%s: only %s is known", name, v, only)
		}
	}
	return nil
}
