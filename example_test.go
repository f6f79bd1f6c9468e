package varve_test

import (
	"context"
	"encoding/json"
	"errors"
	"expvar"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/varvekv/varve"
)

// scratch is a directory for one example.
func scratch() (dir string, remove func()) {
	dir, err := os.MkdirTemp("", "varve-example-")
	if err != nil {
		log.Fatal(err)
	}
	return filepath.Join(dir, "db"), func() { _ = os.RemoveAll(dir) }
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func open(dir string, o *varve.Options) *varve.DB {
	db, err := varve.Open(dir, o)
	must(err)
	return db
}

func Example() {
	dir, remove := scratch()
	defer remove()

	db, err := varve.Open(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	must(db.Put([]byte("lake"), []byte("Suigetsu")))
	value, err := db.Get([]byte("lake"))
	fmt.Printf("%s %v\n", value, err)

	must(db.Delete([]byte("lake")))
	_, err = db.Get([]byte("lake"))
	fmt.Println(errors.Is(err, varve.ErrNotFound))
	// Output:
	// Suigetsu <nil>
	// true
}

func ExampleDB_Write() {
	dir, remove := scratch()
	defer remove()
	db := open(dir, nil)
	defer db.Close()

	var b varve.Batch
	b.Put([]byte("from"), []byte("40"))
	b.Put([]byte("to"), []byte("60"))
	b.Delete([]byte("pending"))
	must(db.Write(&b)) // all three, or none
	fmt.Println(b.Len(), "operations, the first is number", b.Seq())
	// Output: 3 operations, the first is number 1
}

func ExampleDB_Scan() {
	dir, remove := scratch()
	defer remove()
	db := open(dir, nil)
	defer db.Close()
	for _, k := range []string{"a", "b", "c", "d"} {
		must(db.Put([]byte(k), []byte("value of "+k)))
	}

	for e, err := range db.Scan([]byte("b"), []byte("d")) {
		must(err)
		fmt.Printf("%s = %s\n", e.Key, e.Value)
	}
	// Output:
	// b = value of b
	// c = value of c
}

func ExampleDB_ScanPrefix() {
	dir, remove := scratch()
	defer remove()
	db := open(dir, nil)
	defer db.Close()
	for _, k := range []string{"user/1", "user/2", "video/1"} {
		must(db.Put([]byte(k), nil))
	}

	for e, err := range db.ScanPrefix([]byte("user/")) {
		must(err)
		fmt.Printf("%s\n", e.Key)
	}
	// Output:
	// user/1
	// user/2
}

func ExampleDB_Snapshot() {
	dir, remove := scratch()
	defer remove()
	db := open(dir, nil)
	defer db.Close()
	must(db.Put([]byte("k"), []byte("old")))

	s := db.Snapshot()
	defer s.Close()
	must(db.Put([]byte("k"), []byte("new")))

	then, err := s.Get([]byte("k"))
	must(err)
	now, err := db.Get([]byte("k"))
	must(err)
	fmt.Printf("%s, %s\n", then, now)
	// Output: old, new
}

func ExampleDB_With() {
	dir, remove := scratch()
	defer remove()
	db := open(dir, &varve.Options{Durability: varve.Buffered})
	defer db.Close()

	must(db.Put([]byte("clicks"), []byte("1")))                       // fast; a crash may take it
	must(db.With(varve.Synced).Put([]byte("payment"), []byte("100"))) // survives a power cut, and so does all before it
	fmt.Println(db.DurableSeq())
	// Output: 2
}

func ExampleDB_WaitDurable() {
	dir, remove := scratch()
	defer remove()
	db := open(dir, &varve.Options{Durability: varve.Buffered})
	defer db.Close()

	var b varve.Batch
	b.Put([]byte("k"), []byte("v"))
	must(db.Write(&b))
	must(db.WaitDurable(context.Background(), b.Seq()))
	fmt.Println(db.DurableSeq() >= b.Seq())
	// Output: true
}

func ExampleIterator() {
	dir, remove := scratch()
	defer remove()
	db := open(dir, nil)
	defer db.Close()
	for _, k := range []string{"a", "b", "c"} {
		must(db.Put([]byte(k), nil))
	}

	it := db.NewIter(nil)
	for ok := it.Last(); ok; ok = it.Prev() {
		fmt.Printf("%s ", it.Key())
	}
	must(it.Err())
	must(it.Close())
	// Output: c b a
}

func ExampleArchiveOptions() {
	dir, remove := scratch()
	defer remove()
	archive := filepath.Join(filepath.Dir(dir), "archive")
	db := open(dir, &varve.Options{Archive: varve.ArchiveOptions{Dir: archive}})

	must(db.Put([]byte("k"), []byte("v")))
	must(db.Flush()) // its log segment is no longer needed: it goes to the archive
	must(db.Close())

	segments, err := os.ReadDir(archive)
	must(err)
	fmt.Println(len(segments) > 0)
	// Output: true
}

func ExampleDB_Metrics() {
	dir, remove := scratch()
	defer remove()
	db := open(dir, nil)
	defer db.Close()
	must(db.Put([]byte("k"), []byte("v")))
	must(db.Flush())

	m := db.Metrics()
	fmt.Println(m.Operations, m.Flushes, m.Levels[0].Tables+m.Levels[6].Tables)
	// m.String() is a table for people.
	// Output: 1 1 1
}

func ExampleDB_Explain() {
	dir, remove := scratch()
	defer remove()
	db := open(dir, nil)
	defer db.Close()
	must(db.Put([]byte("k"), []byte("v")))
	must(db.Flush())

	e, err := db.Explain([]byte("k"))
	must(err)
	for _, s := range e.Steps {
		fmt.Println(s.Place, s.File != "", s.Outcome)
	}
	fmt.Println(e.Answer, e.ValueBytes) // e.String() is a list with the time of each step
	// Output:
	// memtable false absent
	// run true put
	// found 1
}

// Metrics has a stable form in JSON, so that expvar takes it as it is; a program
// that serves net/http then has it under /debug/vars.
func ExampleDB_Metrics_expvar() {
	dir, remove := scratch()
	defer remove()
	db := open(dir, nil)
	defer db.Close()
	must(db.Put([]byte("k"), []byte("v")))

	expvar.Publish("varve", expvar.Func(func() any { return db.Metrics() }))

	var m varve.Metrics // what a reader of /debug/vars may do with it
	must(json.Unmarshal([]byte(expvar.Get("varve").String()), &m))
	fmt.Println(m.Operations, m.DurableSeq, m.StallReason)
	// Output: 1 1 none
}

func ExampleOpen_recovery() {
	dir, remove := scratch()
	defer remove()
	db := open(dir, nil)
	must(db.Put([]byte("k"), []byte("v")))
	must(db.Close())

	db = open(dir, nil) // replays the log
	defer db.Close()
	r := db.Metrics().Recovery
	fmt.Println(r.Log.Verdict, r.Operations)
	// Output: clean 1
}

func ExampleOpen_readOnly() {
	dir, remove := scratch()
	defer remove()
	db := open(dir, nil)
	must(db.Put([]byte("k"), []byte("v")))
	must(db.Close())

	db = open(dir, &varve.Options{ReadOnly: true})
	defer db.Close()
	value, err := db.Get([]byte("k"))
	must(err)
	fmt.Printf("%s %v\n", value, errors.Is(db.Put(nil, nil), varve.ErrReadOnly))
	// Output: v true
}

func ExampleDB_Check() {
	dir, remove := scratch()
	defer remove()
	db := open(dir, nil)
	defer db.Close()
	must(db.Put([]byte("k"), []byte("v")))
	must(db.Flush())

	err := db.Check(context.Background()) // reads every live file
	var damage *varve.CorruptionError
	if errors.As(err, &damage) {
		fmt.Println(damage.File, damage.Offset, damage.Reason)
	}
	fmt.Println(err)
	// Output: <nil>
}

func ExampleDB_GetTo() {
	dir, remove := scratch()
	defer remove()
	db := open(dir, nil)
	defer db.Close()
	must(db.Put([]byte("k"), []byte("v")))

	buf := make([]byte, 0, 1024) // no allocation while values fit
	buf, err := db.GetTo(buf[:0], []byte("k"))
	fmt.Printf("%s %v\n", buf, err)
	// Output: v <nil>
}
