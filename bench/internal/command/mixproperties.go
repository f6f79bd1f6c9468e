package command

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/magiconair/properties"

	"github.com/varvekv/varve/bench/internal/report"
	"github.com/varvekv/varve/bench/internal/workload"
)

// proportions is the properties that make a workload of its own.
var proportions = map[string]workload.Kind{
	"readproportion":            workload.Read,
	"updateproportion":          workload.Update,
	"insertproportion":          workload.Insert,
	"scanproportion":            workload.Scan,
	"readmodifywriteproportion": workload.ReadModifyWrite,
}

// ownMix is the workload that properties describe with proportions; nil when
// they do not. Defaults are those of YCSB's CoreWorkload, and the shares are
// weights, as there.
func ownMix(p *properties.Properties, files []string) (*workload.Mix, error) {
	if !slices.ContainsFunc(p.Keys(), func(k string) bool { _, ok := proportions[k]; return ok }) {
		return nil, nil
	}
	m := &workload.Mix{
		Name: "own", Distribution: workload.Uniform, MaxScan: 1000,
		Hot: workload.DefaultHot, Recent: workload.DefaultRecent,
	}
	if len(files) > 0 {
		m.Name = filepath.Base(files[len(files)-1])
	}
	m.Shares[workload.Read], m.Shares[workload.Update] = 0.95, 0.05
	return m, readShares(p, m)
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

// readShape takes over how requests and scans are spread. It holds for the core
// workloads too, in the place of what they have.
func readShape(p *properties.Properties, m *workload.Mix) error {
	if v, ok := p.Get("requestdistribution"); ok {
		if m.Distribution, ok = workload.ParseDistribution(v); !ok {
			return fmt.Errorf("property requestdistribution=%s: not zipfian, latest, uniform, hotspot, exponential or sequential", v)
		}
	}
	percentile := 100 * m.Recent.Operations
	for _, f := range []struct {
		name string
		to   *float64
		most float64
	}{
		{"hotspotdatafraction", &m.Hot.Records, 1}, {"hotspotopnfraction", &m.Hot.Operations, 1},
		{"exponential.frac", &m.Recent.Records, 1e9}, {"exponential.percentile", &percentile, 99.999999},
	} {
		if err := readFraction(p, f.name, f.to, f.most); err != nil {
			return err
		}
	}
	m.Recent.Operations = percentile / 100
	if m.Recent.Operations == 0 || m.Recent.Records == 0 {
		return fmt.Errorf("properties exponential.percentile and exponential.frac must be more than 0")
	}
	return readScans(p, m)
}

func readFraction(p *properties.Properties, name string, to *float64, most float64) error {
	v, ok := p.Get(name)
	if !ok {
		return nil
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || !(f >= 0 && f <= most) {
		return fmt.Errorf("property %s=%s: not between 0 and %v", name, v, most)
	}
	*to = f
	return nil
}

func readScans(p *properties.Properties, m *workload.Mix) error {
	for name, to := range map[string]*uint64{"minscanlength": &m.MinScan, "maxscanlength": &m.MaxScan} {
		if v, ok := p.Get(name); ok {
			n, err := strconv.ParseUint(v, 10, 31)
			if err != nil || n == 0 {
				return fmt.Errorf("property %s=%s: not a number of records", name, v)
			}
			*to = n
		}
	}
	if m.MinScan > m.MaxScan {
		return fmt.Errorf("properties minscanlength and maxscanlength: %d is more than %d", m.MinScan, m.MaxScan)
	}
	if v, ok := p.Get("scanlengthdistribution"); ok {
		if m.ScanLengths, ok = workload.ParseScanLengths(v); !ok {
			return fmt.Errorf("property scanlengthdistribution=%s: not uniform or zipfian", v)
		}
	}
	return nil
}

// paddingMax keeps keys within what every engine takes (LMDB: 511 bytes).
const paddingMax = 500

// readKeys is how records are named.
func readKeys(p *properties.Properties) (k workload.Keys, err error) {
	switch v := p.GetString("insertorder", "hashed"); v {
	case "hashed":
	case "ordered":
		k.Ordered = true
	default:
		return k, fmt.Errorf("property insertorder=%s: not hashed or ordered", v)
	}
	if v, ok := p.Get("zeropadding"); ok {
		if k.Digits, err = strconv.Atoi(v); err != nil || k.Digits < 0 || k.Digits > paddingMax {
			return k, fmt.Errorf("property zeropadding=%s: not a number of digits up to %d", v, paddingMax)
		}
	}
	return k, nil
}

// describeProperties is what was read here, for the report.
func describeProperties(p *properties.Properties) []report.Option {
	var options []report.Option
	for _, name := range read {
		if v, ok := p.Get(name); ok {
			options = append(options, report.Option{Name: name, Value: v})
		}
	}
	return options
}
