//go:build rocksdb

package peer

import "github.com/varvekv/varve/bench/compare/internal/peer/rocksdbengine"

func rocksdbPeers() []Peer {
	p := complete(Peer{
		Name: "rocksdb", Open: rocksdbengine.Open, Describe: rocksdbengine.Describe,
		Durability: rocksdbengine.Durability,
	}, rocksdbengine.Module)
	p.Version = "by grocksdb " + p.Version // the binding's
	return []Peer{p}
}
