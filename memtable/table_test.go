package memtable

import (
	"bytes"
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"unsafe"

	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/internal/offheap"
)

// heapMemory takes a table's memory from Go's heap, where the race detector sees
// each access to it. Its chunks are filled with garbage unless they must be zero.
func heapMemory() *memory {
	return &memory{
		alloc: func(n int) ([]byte, error) {
			words := make([]uint64, (n+7)/8)
			return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n), nil
		},
		free: func([]byte) error { return nil },
	}
}

// newTable makes a table that is freed, and checked for leaks, when the test ends.
func newTable(t *testing.T, o Options) *Table {
	t.Helper()
	before := offheap.Live()
	tab, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 2 { // a second Free does no harm
			if err := tab.Free(); err != nil {
				t.Error(err)
			}
		}
		if live := offheap.Live(); live != before {
			t.Errorf("%d bytes stay mapped", live-before)
		}
		if tab.SizeBytes() != 0 || tab.MappedBytes() != 0 {
			t.Errorf("a freed table says it takes %d of %d bytes", tab.SizeBytes(), tab.MappedBytes())
		}
	})
	return tab
}

func add(t *testing.T, tab *Table, key string, seq uint64, value string) {
	t.Helper()
	if err := tab.Add([]byte(key), ikey.MakeTrailer(seq, ikey.KindPut), []byte(value)); err != nil {
		t.Fatal(err)
	}
}

// get draws what Get finds.
func get(tab *Table, key string, seq uint64) string {
	v, tr, ok := tab.Get([]byte(key), hash.Sum([]byte(key)), seq)
	if !ok {
		return "none"
	}
	return fmt.Sprintf("%s#%d,%s", v, tr.Seq(), tr.Kind())
}

func TestGetFindsNewestVersionAtOrBelowSequence(t *testing.T) {
	tab := newTable(t, Options{ArenaBytes: 1 << 16})
	add(t, tab, "a", 3, "three")
	add(t, tab, "a", 7, "")
	if err := tab.Add([]byte("a"), ikey.MakeTrailer(9, ikey.KindDelete), nil); err != nil {
		t.Fatal(err)
	}
	if err := tab.Add(nil, ikey.MakeTrailer(10, ikey.KindPut), []byte("empty key")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key  string
		seq  uint64
		want string
	}{
		{"a", 2, "none"}, {"a", 3, "three#3,put"}, {"a", 6, "three#3,put"}, {"a", 7, "#7,put"},
		{"a", 8, "#7,put"}, {"a", ikey.MaxSeq, "#9,delete"}, {"", 9, "none"}, {"", 10, "empty key#10,put"},
		{"b", ikey.MaxSeq, "none"}, {"a\x00", ikey.MaxSeq, "none"},
	} {
		if got := get(tab, c.key, c.seq); got != c.want {
			t.Errorf("Get(%q, %d) = %s, want %s", c.key, c.seq, got, c.want)
		}
	}
	if tab.Entries() != 4 || tab.Tombstones() != 1 || tab.SeqMin() != 3 || tab.SeqMax() != 10 {
		t.Errorf("entries %d, tombstones %d, sequences %d to %d", tab.Entries(), tab.Tombstones(), tab.SeqMin(), tab.SeqMax())
	}
}

// version is one entry of the model.
type version struct {
	key   ikey.Key
	value []byte
}

// model is a sorted slice of everything that was added.
type model []version

func (m model) seek(k ikey.Key) int {
	i, _ := slices.BinarySearchFunc(m, k, func(v version, k ikey.Key) int { return ikey.Compare(v.key, k) })
	return i
}

func (m *model) add(k ikey.Key, value []byte) {
	*m = slices.Insert(*m, m.seek(k), version{k.Clone(), bytes.Clone(value)})
}

func (m model) entrySum() (sum uint64) {
	for _, v := range m {
		sum += hash.Entry(v.key.User, uint64(v.key.Trailer), v.value)
	}
	return sum
}

// keyMaker makes random keys of one shape; seldom a new one, so that keys repeat.
type keyMaker func(r *rand.Rand) []byte

var keyShapes = map[string]keyMaker{
	"ycsb":   func(r *rand.Rand) []byte { return fmt.Appendf(nil, "user%019d", r.Intn(3000)*77777777777) },
	"short":  func(r *rand.Rand) []byte { return randomBytes(r, r.Intn(4), 3) },
	"tied":   func(r *rand.Rand) []byte { return append([]byte("0123456789abcdef"), randomBytes(r, r.Intn(6), 3)...) },
	"zeros":  func(r *rand.Rand) []byte { return make([]byte, r.Intn(40)) },
	"binary": func(r *rand.Rand) []byte { return randomBytes(r, 14+r.Intn(5), 2) },
	"long":   func(r *rand.Rand) []byte { return bytes.Repeat([]byte{byte(r.Intn(30))}, 1+r.Intn(700)) },
}

// randomBytes are n bytes below limit.
func randomBytes(r *rand.Rand, n, limit int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Intn(limit))
	}
	return b
}

func TestTableBehavesLikeASortedMap(t *testing.T) {
	for name, makeKey := range keyShapes {
		for _, ascending := range []int{0, 50, 100} {
			t.Run(fmt.Sprintf("%s/ascending%d", name, ascending), func(t *testing.T) {
				r := rand.New(rand.NewSource(int64(ascending) + int64(len(name))))
				tab := newTable(t, Options{ArenaBytes: 1 << 12})
				m := randomTable(t, tab, r, 3000, ascending, makeKey)
				checkGets(t, tab, m, r, makeKey)
				checkWalks(t, tab, m, r, makeKey)
				tab.Freeze()
				checkWalks(t, tab, m, r, makeKey)
				if tab.EntrySum() != m.entrySum() {
					t.Error("the entry sum is not that of the entries")
				}
				if tab.Entries() != int64(len(m)) {
					t.Errorf("%d entries, want %d", tab.Entries(), len(m))
				}
			})
		}
	}
}

// randomTable adds n versions; ascending percent of them go behind the last key.
func randomTable(t *testing.T, tab *Table, r *rand.Rand, n, ascending int, makeKey keyMaker) model {
	t.Helper()
	var m model
	for seq := 1; seq <= n; seq++ {
		key := makeKey(r)
		if r.Intn(100) < ascending && len(m) > 0 {
			key = behind(m[len(m)-1].key.User, byte(r.Intn(2)))
		}
		k := ikey.Make(key, uint64(seq), ikey.KindPut)
		var value []byte
		if r.Intn(5) == 0 {
			k = ikey.Make(key, uint64(seq), ikey.KindDelete)
		} else {
			value = randomBytes(r, r.Intn(50), 256)
		}
		if err := tab.Add(key, k.Trailer, value); err != nil {
			t.Fatal(err)
		}
		m.add(k, value)
	}
	return m
}

// behind is a key greater than last, or last itself once that is long.
func behind(last []byte, b byte) []byte {
	if len(last) > 60 {
		return last
	}
	return append(bytes.Clone(last), b)
}

func checkGets(t *testing.T, tab *Table, m model, r *rand.Rand, makeKey keyMaker) {
	t.Helper()
	for range 3000 {
		key := makeKey(r)
		if r.Intn(2) == 0 {
			key = m[r.Intn(len(m))].key.User
		}
		seq := uint64(r.Intn(3100))
		i := m.seek(ikey.Seek(key, seq))
		want := i < len(m) && bytes.Equal(m[i].key.User, key)
		value, tr, ok := tab.Get(key, hash.Sum(key), seq)
		if ok != want || ok && (tr != m[i].key.Trailer || !bytes.Equal(value, m[i].value)) {
			t.Fatalf("Get(%q, %d) = %q, %d, %v", key, seq, value, tr, ok)
		}
	}
}

// checkWalks moves a cursor at random and compares it with the model at each step.
func checkWalks(t *testing.T, tab *Table, m model, r *rand.Rand, makeKey keyMaker) {
	t.Helper()
	c := tab.NewCursor()
	defer c.Close()
	at := -1
	for range 150 {
		key := makeKey(r)
		if r.Intn(2) == 0 {
			key = m[r.Intn(len(m))].key.User
		}
		k := ikey.Seek(key, uint64(r.Intn(3100)))
		if r.Intn(3) == 0 {
			k = m[r.Intn(len(m))].key // exactly a version that is there
		}
		switch r.Intn(5) {
		case 0:
			c.First()
			at = 0
		case 1:
			c.Last()
			at = len(m) - 1
		case 2, 3:
			c.SeekGE(k)
			at = m.seek(k)
		case 4:
			c.SeekLT(k)
			at = m.seek(k) - 1
		}
		stay := []int{1, 50, 99}[r.Intn(3)] // percent of moves forward
		for range r.Intn(300) {
			if !sameAsModel(t, c, m, at) {
				break
			}
			if r.Intn(100) < stay {
				c.Next()
				at++
			} else {
				c.Prev()
				at--
			}
		}
	}
}

// sameAsModel reports whether both stand on an entry, and fails when they differ.
func sameAsModel(t *testing.T, c interface {
	Valid() bool
	Key() ikey.Key
	Value() []byte
}, m model, at int) bool {
	t.Helper()
	if c.Valid() != (at >= 0 && at < len(m)) {
		t.Fatalf("valid is %v at %d of %d", c.Valid(), at, len(m))
	}
	if !c.Valid() {
		return false
	}
	if ikey.Compare(c.Key(), m[at].key) != 0 || !bytes.Equal(c.Value(), m[at].value) {
		t.Fatalf("at %d: %v = %q, want %v = %q", at, c.Key(), c.Value(), m[at].key, m[at].value)
	}
	return true
}

func TestMovesAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's build keeps closures on the heap")
	}
	tab := newTable(t, Options{ArenaBytes: 1 << 16})
	for _, i := range rand.New(rand.NewSource(9)).Perm(1000) {
		add(t, tab, fmt.Sprintf("a-key-beyond-its-prefix-%d", i), uint64(i+1), "")
	}
	var c Cursor
	c.Init(tab)
	key := []byte("a-key-beyond-its-prefix-500")
	h := hash.Sum(key)
	if n := testing.AllocsPerRun(10, func() {
		c.Init(tab)
		for ok := c.First(); ok; ok = c.Next() {
		}
		for ok := c.SeekGE(ikey.First(key)); ok; ok = c.Prev() {
		}
		tab.Get(key, h, ikey.MaxSeq)
		c.Close()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPrefetchChangesNothing(t *testing.T) {
	tab := newTable(t, Options{ArenaBytes: 1 << 12})
	add(t, tab, "there", 1, "v")
	for _, key := range []string{"there", "not there"} {
		tab.Prefetch(hash.Sum([]byte(key)))
	}
	if get(tab, "there", 1) != "v#1,put" || get(tab, "not there", 1) != "none" || tab.Entries() != 1 {
		t.Error("the table is another one")
	}
}

func TestEmptyTable(t *testing.T) {
	tab := newTable(t, Options{ArenaBytes: 1 << 12})
	c := tab.NewCursor()
	if tab.EntrySum() != 0 {
		t.Error("an empty table has an entry sum")
	}
	if c.First() || c.Last() || c.SeekGE(ikey.First(nil)) || c.SeekLT(ikey.First([]byte("x"))) || c.Valid() || c.Err() != nil {
		t.Error("a cursor stands on something in an empty table")
	}
	for range 2 {
		if err := c.Close(); err != nil || c.Valid() {
			t.Error(err)
		}
	}
	if got := get(tab, "x", ikey.MaxSeq); got != "none" {
		t.Error(got)
	}
}

func TestAddRefusesWhatIsTooLargeOrTooLate(t *testing.T) {
	tab := newTable(t, Options{ArenaBytes: 1 << 12})
	size := tab.SizeBytes()
	tr := ikey.MakeTrailer(1, ikey.KindPut)
	if err := tab.Add(make([]byte, KeyBytesMax+1), tr, nil); err == nil {
		t.Error("a key past the limit was taken")
	}
	huge, err := offheap.Alloc(ValueBytesMax + 1) // never touched
	if err != nil {
		t.Fatal(err)
	}
	defer offheap.Free(huge)
	if err := tab.Add(nil, tr, huge); err == nil {
		t.Error("a value past the limit was taken")
	}
	tab.Freeze()
	tab.Freeze()
	if err := tab.Add([]byte("late"), tr, nil); err == nil {
		t.Error("a frozen table took an entry")
	}
	if tab.Entries() != 0 || tab.SizeBytes() != size {
		t.Errorf("refused entries were counted: %d, %d bytes", tab.Entries(), tab.SizeBytes()-size)
	}
}

// TestFailedGrowthLeavesTheTableAsItWas lets every allocation fail once.
func TestFailedGrowthLeavesTheTableAsItWas(t *testing.T) {
	inner, armed, fail := heapMemory(), false, false
	tab := newTable(t, Options{ArenaBytes: 1 << 12, memory: &memory{
		alloc: func(n int) ([]byte, error) {
			if fail = armed && !fail; fail {
				return nil, fmt.Errorf("no memory for %d bytes", n)
			}
			return inner.alloc(n)
		},
		free: inner.free,
	}})
	armed = true
	failures := 0
	for i := range 5000 {
		key := fmt.Appendf(nil, "%06d", i*7919%5000)
		tr := ikey.MakeTrailer(uint64(i+1), ikey.KindPut)
		for tab.Add(key, tr, key) != nil {
			failures++
			if tab.Entries() != int64(i) || get(tab, string(key), ikey.MaxSeq) != "none" {
				t.Fatal("a failed Add left something behind")
			}
		}
	}
	c, n := tab.NewCursor(), 0
	for ok := c.First(); ok; ok = c.Next() {
		n++
	}
	if failures < 3 || n != 5000 {
		t.Errorf("%d failures, %d entries", failures, n)
	}
}
