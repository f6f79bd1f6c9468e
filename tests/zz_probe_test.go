package tests

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

func TestZZProbe(t *testing.T) {
	fs := vfs.NewStrict(1)
	db, err := varve.Open(worldDir, &varve.Options{FS: fs, MemtableBytes: 64 << 10, CacheBytes: 8 << 20, Durability: varve.Buffered})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	began := time.Now()
	for mb := range 40 {
		for range 1024 {
			k := fmt.Appendf(nil, "key%07d", rng.IntN(60000))
			if err := db.Put(k, newStamp(rng.Uint64(), 1000).bytes(nil)); err != nil {
				t.Fatal(err)
			}
		}
		if mb%4 == 3 {
			t.Logf("%d MiB %v %v", mb+1, time.Since(began).Round(time.Millisecond), tablesByLevel(db.Metrics()))
		}
	}
	t.Logf("%s", db.Metrics())
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
