package vfs

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// benchDB is a small database's directory: tables, a log with an unsynced
// tail, a manifest.
func benchDB(b *testing.B) *Strict {
	s, d := strictDB(b)
	write := func(name string, size, synced int) {
		f, err := d.Create(name)
		if err != nil {
			b.Fatal(err)
		}
		p := make([]byte, 4096)
		for i := range p {
			p[i] = byte(i | 1)
		}
		for at := 0; at < size; at += len(p) {
			if at == synced {
				_ = f.Sync()
			}
			_, _ = f.WriteAt(p, int64(at))
		}
		_ = f.Close()
	}
	for i := range 8 {
		write(fmt.Sprint(i, ".sst"), 256<<10, 252<<10)
	}
	_ = d.Sync()
	write("9.log", 1<<20, 960<<10)
	write("MANIFEST", 64<<10, 60<<10)
	return s
}

func BenchmarkCrashImage(b *testing.B) {
	s, r := benchDB(b), rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	for b.Loop() {
		s.CrashImage(r)
	}
}

func BenchmarkFingerprint(b *testing.B) {
	s, r := benchDB(b), rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	for b.Loop() {
		s.CrashImage(r).Fingerprint()
	}
}

func benchFile(b *testing.B, d Dir, size int) (File, []byte) {
	f, err := d.Create("f")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	p := make([]byte, size)
	for i := range p {
		p[i] = 1
	}
	if _, err := f.WriteAt(p, 0); err != nil {
		b.Fatal(err)
	}
	_ = f.Sync()
	b.SetBytes(int64(size))
	b.ReportAllocs()
	return f, p
}

func benchDirs(b *testing.B, run func(b *testing.B, d Dir)) {
	b.Run("OS", func(b *testing.B) {
		d, err := OS.OpenDir(b.TempDir(), true)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = d.Close() }()
		run(b, d)
	})
	b.Run("Strict", func(b *testing.B) {
		_, d := strictDB(b)
		run(b, d)
	})
}

func BenchmarkReadAt4K(b *testing.B) {
	benchDirs(b, func(b *testing.B, d Dir) {
		f, p := benchFile(b, d, 4096)
		for b.Loop() {
			_, _ = f.ReadAt(p, 0)
		}
	})
}

func BenchmarkWriteAt4K(b *testing.B) {
	benchDirs(b, func(b *testing.B, d Dir) {
		f, p := benchFile(b, d, 4096)
		for b.Loop() {
			_, _ = f.WriteAt(p, 0)
		}
	})
}

func BenchmarkWriteSyncData4K(b *testing.B) {
	benchDirs(b, func(b *testing.B, d Dir) {
		f, p := benchFile(b, d, 4096)
		for b.Loop() {
			_, _ = f.WriteAt(p, 0)
			_ = f.SyncData()
		}
	})
}

func BenchmarkWriteAtSync4K(b *testing.B) {
	benchDirs(b, func(b *testing.B, d Dir) {
		f, p := benchFile(b, d, 4096)
		for b.Loop() {
			_, _ = WriteAtSync(f, p, 0)
		}
	})
}
