package workload

// Kind is one kind of operation of YCSB's core workload.
type Kind uint8

// Kinds of operation.
const (
	Read Kind = iota
	Update
	Insert
	Scan
	ReadModifyWrite
	Kinds // how many there are
)

var kindNames = [Kinds]string{"read", "update", "insert", "scan", "read-modify-write"}

// String is the name used in results.
func (k Kind) String() string { return kindNames[k] }

// KindNames is the names of all kinds, by kind.
func KindNames() []string { return kindNames[:] }

// Mix is one core workload.
type Mix struct {
	Name         string
	Shares       [Kinds]float64 // by kind; they sum up to 1
	Distribution Distribution
	Hot          Hot         // of the Hotspot distribution
	Recent       Recent      // of the Exponential distribution
	MinScan      uint64      // records; 0 = 1
	MaxScan      uint64      // records
	ScanLengths  ScanLengths // between the two
}

// Hot is a hotspot: the first records, and how often they are asked for.
type Hot struct {
	Records    float64 // share of the records that are hot
	Operations float64 // share of the operations that ask for them
}

// Recent is how much of an exponential distribution falls on the newest records.
type Recent struct {
	Records    float64 // share of the records that exist at first
	Operations float64 // share of the operations that ask for the newest so many
}

// DefaultHot and DefaultRecent are those of YCSB's CoreWorkload. (A comment there
// takes the share of recent records for a seventh; it is six.)
var (
	DefaultHot    = Hot{Records: 0.2, Operations: 0.8}
	DefaultRecent = Recent{Records: 0.8571428571, Operations: 0.95}
)

// Core is YCSB's workloads in the order that its authors recommend: those that
// insert come last, so that the others meet the same records.
func Core() []Mix {
	mixes := []Mix{
		{Name: "A", Shares: [Kinds]float64{Read: 0.5, Update: 0.5}},
		{Name: "B", Shares: [Kinds]float64{Read: 0.95, Update: 0.05}},
		{Name: "C", Shares: [Kinds]float64{Read: 1}},
		{Name: "F", Shares: [Kinds]float64{Read: 0.5, ReadModifyWrite: 0.5}},
		{Name: "D", Shares: [Kinds]float64{Read: 0.95, Insert: 0.05}, Distribution: Latest},
		{Name: "E", Shares: [Kinds]float64{Scan: 0.95, Insert: 0.05}},
	}
	for i := range mixes {
		m := &mixes[i]
		m.MaxScan, m.Hot, m.Recent = DefaultMaxScan, DefaultHot, DefaultRecent
		if m.Distribution == 0 {
			m.Distribution = ScrambledZipf
		}
	}
	return mixes
}

// DefaultMaxScan is YCSB's maxscanlength for workload E.
const DefaultMaxScan = 100

// Next draws a kind by the shares.
func (m *Mix) Next(r *Random) Kind {
	u := r.Float()
	last := Read
	for k, share := range m.Shares {
		if share == 0 {
			continue
		}
		if u < share {
			return Kind(k)
		}
		u -= share
		last = Kind(k)
	}
	return last // rounding: the shares' sum fell short of 1
}

// ExpectedNew is how many inserts operations of this mix will make, doubled as
// YCSB does to be safe.
func (m *Mix) ExpectedNew(operations uint64) uint64 {
	return uint64(float64(operations) * m.Shares[Insert] * 2)
}
