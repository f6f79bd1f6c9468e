module github.com/varvekv/varve/tests

go 1.25.0

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/varvekv/varve v0.0.0
	go.uber.org/goleak v1.3.0
	pgregory.net/rapid v1.3.0
)

require (
	github.com/bits-and-blooms/bitset v1.10.0 // indirect
	github.com/bits-and-blooms/bloom/v3 v3.7.0 // indirect
	github.com/google/btree v1.1.3 // indirect
	github.com/klauspost/compress v1.18.0 // indirect
	github.com/klauspost/crc32 v1.3.0 // indirect
	golang.org/x/sys v0.35.0 // indirect
)

replace github.com/varvekv/varve => ../
