package memtable

import (
	"sync"
	"sync/atomic"

	"github.com/google/btree"
)

// tree holds every user key once, in order. Two sorted structures share the
// work, and a key is in exactly one of them:
//
//   - tail: a run that is only appended to. A new key behind the run's last goes
//     here, so that ascending loads pay neither a search nor a lock.
//   - items: a google/btree for all other keys. It forbids reads beside a write,
//     so the writer takes mu for each insert, and readers copy a window of items
//     under mu's read side and search again for the next one.
//
// A random load leaves about ln(n) keys in the tail, one per new maximum.
type tree struct {
	order
	tail tail
	bulk []item // not yet in order; nil outside a bulk load

	// mu guards items. Innermost; held over one insert or the copying of one
	// window, never over user code or I/O. A frozen tree needs no lock.
	mu     sync.RWMutex
	items  *btree.BTreeG[item]
	frozen atomic.Bool
}

// treeDegree is the btree's: nodes of up to 127 items, 3 KiB.
const treeDegree = 64

func (t *tree) start(s *space) {
	t.space = s
	t.tail.blocks.Store(new([]*tailBlock))
	t.items = btree.NewG(treeDegree, t.less)
}

// insert adds a new key. REQUIRES: it is in neither structure; the caller is the writer.
func (t *tree) insert(it item) {
	if t.bulk != nil {
		t.bulk = append(t.bulk, it)
		return
	}
	if t.tail.len() == 0 || t.less(t.tail.last, it) {
		t.tail.append(it)
		return
	}
	t.mu.Lock()
	t.items.ReplaceOrInsert(it)
	t.mu.Unlock()
}

// drop lets the collector have the tree. REQUIRES: no reader is left.
func (t *tree) drop() {
	t.items.Clear(false)
	t.tail.count.Store(0)
	t.tail.blocks.Store(new([]*tailBlock))
}

// treeBytesPerItem is what one item costs in the btree, its share of half-empty
// nodes, slice growth and inner nodes included: measured by TestTreeBytes over
// random inserts.
const treeBytesPerItem = 36

// sizeBytes estimates the Go heap that the tree takes. REQUIRES: the caller is the writer.
func (t *tree) sizeBytes() int64 {
	return int64(t.items.Len())*treeBytesPerItem + t.tail.sizeBytes() + int64(len(t.bulk))*bulkItemBytes
}

// tail is a sorted run of items in blocks that never move. The writer fills an
// item, then publishes it by count; readers look at the first count items only.
type tail struct {
	blocks atomic.Pointer[[]*tailBlock]
	count  atomic.Int64
	last   item // writer only
}

const (
	tailBlockItems = 256 // 6 KiB
	tailBlockBytes = tailBlockItems * 24
)

type tailBlock [tailBlockItems]item

func (t *tail) len() int { return int(t.count.Load()) }

func (t *tail) at(i int) item {
	return (*t.blocks.Load())[i/tailBlockItems][i%tailBlockItems]
}

func (t *tail) append(it item) {
	n := t.len()
	if n%tailBlockItems == 0 {
		// Readers hold slices of the old length; what is behind it is not theirs.
		blocks := append(*t.blocks.Load(), new(tailBlock))
		t.blocks.Store(&blocks)
	}
	(*t.blocks.Load())[n/tailBlockItems][n%tailBlockItems] = it
	t.last = it
	t.count.Store(int64(n + 1))
}

func (t *tail) sizeBytes() int64 {
	return int64(len(*t.blocks.Load())) * (tailBlockBytes + 2*wordBytes)
}
