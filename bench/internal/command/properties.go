package command

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/magiconair/properties"
	"github.com/spf13/pflag"
)

// ownPrefix begins properties that are this command's flags: varve.cache=1GiB.
const ownPrefix = "varve."

// flagOf is the flag that means the same as a property of YCSB.
var flagOf = map[string]string{
	"recordcount":    "records",
	"operationcount": "operations",
	"threadcount":    "threads",
	"target":         "target",
	"exportfile":     "ycsb",
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
		default:
			if err := checkProperty(name, v); err != nil {
				return err
			}
		}
	}
	return applyComputed(p, flags)
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

// applyComputed sets the flags whose unit or form differs from the property's.
func applyComputed(p *properties.Properties, flags *pflag.FlagSet) error {
	for _, apply := range []func(*properties.Properties, *pflag.FlagSet) error{
		applyTime, applyValueSize, applyHistograms, applyLoadOnly, checkInterval,
	} {
		if err := apply(p, flags); err != nil {
			return err
		}
	}
	return nil
}

func applyTime(p *properties.Properties, flags *pflag.FlagSet) error {
	v, ok := p.Get("maxexecutiontime")
	if !ok {
		return nil
	}
	seconds, err := strconv.Atoi(v)
	if err != nil {
		return fmt.Errorf("property maxexecutiontime=%s: not a number of seconds", v)
	}
	return setFlag(flags, "duration", (time.Duration(seconds) * time.Second).String())
}

func applyValueSize(p *properties.Properties, flags *pflag.FlagSet) error {
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
	x, err := strconv.Atoi(cmp.Or(a, aDefault))
	if err != nil {
		return 0, err
	}
	y, err := strconv.Atoi(cmp.Or(b, bDefault))
	return x * y, err
}

func applyHistograms(p *properties.Properties, flags *pflag.FlagSet) error {
	if p.GetString("hdrhistogram.fileoutput", "false") != "true" {
		return nil
	}
	dir, ok := p.Get("hdrhistogram.output.path")
	if !ok {
		return errors.New("property hdrhistogram.fileoutput=true: say where, by hdrhistogram.output.path or --hdr")
	}
	return setFlag(flags, "hdr", dir)
}

// applyLoadOnly makes a run without transactions one of the load alone.
func applyLoadOnly(p *properties.Properties, flags *pflag.FlagSet) error {
	if p.GetString("dotransactions", "true") == "true" {
		return nil
	}
	if flags.Changed("workloads") {
		return nil
	}
	return flags.Set("workloads", "load")
}

// checkInterval refuses intended latencies where nothing intends: both are shown
// whenever there is a schedule.
func checkInterval(p *properties.Properties, flags *pflag.FlagSet) error {
	v := p.GetString("measurement.interval", "op")
	target, err := flags.GetFloat64("target")
	if err == nil && v != "op" && target == 0 {
		err = fmt.Errorf("property measurement.interval=%s needs a target", v)
	}
	return err
}
