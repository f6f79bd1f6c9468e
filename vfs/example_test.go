package vfs_test

import (
	"fmt"
	"log"

	"github.com/varvekv/varve/vfs"
)

// A file whose data was synced is lost with its name, when its directory was not.
func ExampleStrict() {
	s := vfs.NewStrict(1)
	d, err := s.OpenDir("/db", true)
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		f, err := d.Create(name)
		if err != nil {
			log.Fatal(err)
		}
		_, _ = f.WriteAt([]byte("data"), 0)
		_ = f.Sync()
		_ = f.Close()
		if name == "a" {
			_ = d.Sync()
		}
	}
	after, _ := s.CrashImageStrict().OpenDir("/db", false)
	fmt.Println(after.List())
	// Output: [a] <nil>
}

// The second creation fails, once.
func ExampleNewFault() {
	inject, _ := vfs.Plan{
		Nth:   1,
		Err:   fmt.Errorf("disk on fire"),
		Match: func(op vfs.Op) bool { return op.Kind == vfs.OpCreate },
	}.Inject()
	d, _ := vfs.NewFault(vfs.NewStrict(1), inject).OpenDir("/db", true)
	_, err := d.Create("a")
	fmt.Println(err)
	_, err = d.Create("b")
	fmt.Println(err)
	// Output:
	// <nil>
	// create /db/b: disk on fire
}
