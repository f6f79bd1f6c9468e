package workload

// ScanLengths is how the lengths of scans are spread.
type ScanLengths uint8

// Distributions of scan lengths.
const (
	UniformLengths ScanLengths = iota
	ZipfianLengths             // short scans more often
)

// ParseScanLengths reads YCSB's name of a distribution of scan lengths.
func ParseScanLengths(name string) (ScanLengths, bool) {
	switch name {
	case "uniform":
		return UniformLengths, true
	case "zipfian":
		return ZipfianLengths, true
	}
	return 0, false
}

// ScanLength draws how many records a scan reads. It belongs to one goroutine.
type ScanLength struct {
	random *Random
	ranks  *Zipfian // nil: uniform
	min    uint64
	count  uint64 // of lengths
}

// NewScanLengths makes one for each source of chance. REQUIRES: MinScan <= MaxScan.
func (m *Mix) NewScanLengths(sources []*Random) []*ScanLength {
	lengths := make([]*ScanLength, len(sources))
	least := max(1, m.MinScan)
	count := m.MaxScan - least + 1
	var ranks *Zipfian
	if m.ScanLengths == ZipfianLengths {
		ranks = NewZipfian(nil, count)
	}
	for i, r := range sources {
		lengths[i] = &ScanLength{random: r, min: least, count: count}
		if ranks != nil {
			lengths[i].ranks = ranks.WithRandom(r)
		}
	}
	return lengths
}

// Next is the length of the next scan.
func (l *ScanLength) Next() int {
	if l.ranks != nil {
		return int(l.min + l.ranks.Next())
	}
	return int(l.min + l.random.Below(l.count))
}
