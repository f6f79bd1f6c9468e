package dump

import (
	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/vfs"
)

// Manifest prints a manifest file: its header, its edits, and the tree that they
// add up to.
func (p *Printer) Manifest(f vfs.File) error {
	return manifest.Inspect(f, manifest.Inspection{
		Header:  func(x *manifest.HeaderInfo) error { return p.put(p.manifestHeader(x)) },
		Edit:    func(x *manifest.EditInfo) error { return p.put(p.edit(x)) },
		State:   func(x *manifest.State) error { return p.put(p.state(x)) },
		Finding: p.finding,
	})
}

type current struct {
	what
	Manifest string `json:"manifest"`
	Identity string `json:"identity"`
}

// Current prints what CURRENT says.
func (p *Printer) Current(x manifest.Current) error {
	return p.put(&current{p.what("current"), x.Name, id(x.Identity)})
}

func (x *current) text(p *Printer) { p.title("names %s, identity %s", x.Manifest, x.Identity) }

type manifestHeader struct {
	what
	Offset    int64    `json:"offset"`
	IsSound   bool     `json:"sound"`
	Version   uint32   `json:"version"`
	Comparer  uint32   `json:"comparer"`
	Features  []uint64 `json:"features"` // incompatible, read-compatible, compatible
	Database  string   `json:"database"`
	Identity  string   `json:"identity"`
	Number    uint64   `json:"number"`
	FirstEdit uint64   `json:"first_edit"`
	FileBytes int64    `json:"file_bytes"` // when CURRENT was switched
	SizeBytes int64    `json:"size_bytes"`
	Created   string   `json:"created,omitempty"`
}

func (p *Printer) manifestHeader(x *manifest.HeaderInfo) thing {
	return &manifestHeader{
		p.what("header"), 0, x.IsSound, x.Version, x.Comparer, []uint64{x.Incompatible, x.ReadCompatible, x.Compatible},
		id(x.Database), id(x.Identity), x.Number, x.FirstEdit, x.FileBytes, x.SizeBytes, when(x.Created),
	}
}

func (x *manifestHeader) text(p *Printer) {
	p.title("manifest %d of database %s, format %d, %s", x.Number, x.Database, x.Version, console.Bytes(x.SizeBytes))
	damaged := ""
	if !x.IsSound {
		damaged = "  " + p.bad("damaged: a hint at best")
	}
	p.at(0, "header  identity %s, first edit %d, comparer %d, created %s%s", x.Identity, x.FirstEdit, x.Comparer, orUnknown(x.Created), damaged)
	p.under("%d bytes when CURRENT was switched to it; features %s", x.FileBytes, features(x.Features[0], x.Features[1], x.Features[2]))
}

type state struct {
	what
	Edit       uint64       `json:"edit"`
	LastSeq    uint64       `json:"last_seq"`
	NextFile   uint64       `json:"next_file"`
	LogFrom    logFrom      `json:"log_from"`
	Log        *logAccepted `json:"log_accepted,omitempty"`
	DurableLSN uint64       `json:"durable_lsn"`
	Tables     []slice      `json:"tables"`
	x          *manifest.State
}

func (p *Printer) state(x *manifest.State) thing {
	s := &state{
		what: p.what("state"), Edit: x.Edit, LastSeq: x.LastSeq, NextFile: x.NextFile,
		LogFrom: logFrom{x.LogFrom.Segment, x.LogFrom.LSN}, DurableLSN: x.DurableLSN, Tables: []slice{}, x: x,
	}
	if x.Log.Identity != 0 {
		s.Log = acceptedOf(&x.Log)
	}
	for one := range x.Version.All() {
		s.Tables = append(s.Tables, slicesOf([]*manifest.Slice{one})...)
	}
	return s
}

func (s *state) text(p *Printer) {
	p.Console.Printf("state behind edit %d: tables up to sequence %d, next file %d, log needed from segment %d, LSN %d\n",
		s.Edit, s.LastSeq, s.NextFile, s.LogFrom.Segment, s.LogFrom.LSN)
	p.Console.Printf("%s", s.x.Version)
}
