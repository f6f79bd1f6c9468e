package peer

import (
	"github.com/varvekv/varve/bench/compare/internal/peer/badgerengine"
	"github.com/varvekv/varve/bench/compare/internal/peer/boltengine"
	"github.com/varvekv/varve/bench/compare/internal/peer/leveldbengine"
	"github.com/varvekv/varve/bench/compare/internal/peer/pebbleengine"
)

func pebblePeer() Peer {
	return complete(Peer{
		Name: "pebble", Open: pebbleengine.Open, Describe: pebbleengine.Describe,
		Durability: pebbleengine.Durability,
	}, pebbleengine.Module)
}

func badgerPeer() Peer {
	return complete(Peer{
		Name: "badger", Open: badgerengine.Open, Describe: badgerengine.Describe,
		Durability: badgerengine.Durability,
	}, badgerengine.Module)
}

func leveldbPeer() Peer {
	return complete(Peer{
		Name: "goleveldb", Open: leveldbengine.Open, Describe: leveldbengine.Describe,
		Durability: leveldbengine.Durability,
	}, leveldbengine.Module)
}

func boltPeer() Peer {
	return complete(Peer{
		Name: "bbolt", Open: boltengine.Open, Describe: boltengine.Describe,
		Durability: boltengine.Durability,
	}, boltengine.Module)
}
