package peer

import (
	"strconv"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/varveengine"
)

func varvePeer() Peer {
	return complete(Peer{
		Name: "varve",
		Open: func(o engine.Options, p Profile) (engine.Engine, error) {
			return varveengine.Open(varveOptions(o, p))
		},
		Describe: describeVarve,
		Durability: map[engine.Durability]string{
			engine.Buffered: "Durability: Buffered (log written out every 10 ms or 256 KiB)",
			engine.Written:  "Durability: Written (log in the page cache on return)",
			engine.Synced:   "Durability: Synced (log flushed on return)",
		},
	}, "github.com/varvekv/varve")
}

// varveOptions leaves varve's own defaults standing where they are asked for:
// its zero is the default.
func varveOptions(o engine.Options, p Profile) engine.Options {
	if p == Defaults {
		o.CacheBytes, o.MemtableBytes, o.Compression = 0, 0, engine.DefaultCompression
	}
	return o
}

func describeVarve(o engine.Options, p Profile) []Setting {
	o = varveOptions(o, p)
	return []Setting{
		{Name: "CacheBytes", Value: bytesOrDefault(o.CacheBytes)},
		{Name: "MemtableBytes", Value: bytesOrDefault(o.MemtableBytes)},
		{Name: "Compression", Value: o.Compression.String()},
	}
}

func bytesOrDefault(n int64) string {
	if n == 0 {
		return "default"
	}
	return strconv.FormatInt(n, 10)
}
