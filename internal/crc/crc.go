// Package crc is the one door to CRC32C, the checksum of every varve format.
//
// Measured 2026-11 (EPYC, Go 1.26): klauspost/crc32 equals hash/crc32 for the
// Castagnoli polynomial; it stays behind this door so that either can go.
package crc

import "github.com/klauspost/crc32"

var table = crc32.MakeTable(crc32.Castagnoli)

// Sum is the CRC32C of p.
func Sum(p []byte) uint32 { return crc32.Checksum(p, table) }

// Update is the CRC32C of what sum covers, followed by p.
func Update(sum uint32, p []byte) uint32 { return crc32.Update(sum, table, p) }
