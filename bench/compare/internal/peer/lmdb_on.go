//go:build lmdb

package peer

import "github.com/varvekv/varve/bench/compare/internal/peer/lmdbengine"

func lmdbPeers() []Peer {
	p := complete(Peer{
		Name: "lmdb", Open: lmdbengine.Open, Describe: lmdbengine.Describe,
		Durability: lmdbengine.Durability,
	}, lmdbengine.Module)
	p.Version = "by lmdb-go " + p.Version // the binding's
	return []Peer{p}
}
