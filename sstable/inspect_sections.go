package sstable

// Inspection of the sections behind the data blocks: each for itself, so that
// damage to one hides no other.

import (
	"encoding/binary"
	"errors"

	"github.com/varvekv/varve/internal/corruption"
)

func isNewer(err error) bool { return errors.Is(err, corruption.ErrUnsupported) }

// section reads a block that is never compressed; ok is false after a finding.
// With a finding about its checksum, raw is there all the same.
func (i *inspector) section(what string, h handle) (raw, content []byte, err error) {
	if err := h.check(i.footer.fileBytes - footerBytes); err != nil {
		at := int64(i.footer.fileBytes - footerBytes)
		return nil, nil, corruption.New(i.r.name, at, "footer: place of the %s: %v", what, err)
	}
	raw = make([]byte, int(h.stored)+blockTrailerBytes)
	if err := i.r.readFull(raw, h.offset); err != nil {
		return nil, nil, err
	}
	content, err = i.r.openSection(raw, h)
	if damage := new(corruption.Error); errors.As(err, &damage) {
		err = corruption.New(damage.File, damage.Offset, "%s: %s", what, damage.Reason)
	}
	return raw, content, err
}

func (i *inspector) properties() {
	h := i.footer.properties
	if h.stored > maxPropertiesBytes {
		at := int64(i.footer.fileBytes - footerBytes)
		i.find(corruption.New(i.r.name, at, "properties of %d bytes are longer than any", h.stored))
		return
	}
	raw, content, err := i.section("properties", h)
	if err != nil && raw != nil && !i.isSound {
		content, err = i.identityOf(raw, h, err)
	}
	if err != nil {
		i.find(err)
		return
	}
	p, err := parseProperties(content)
	if p != nil {
		p.FileBytes = int64(i.footer.fileBytes)
		i.r.props = p
		tell(i, func(p *Properties) error {
			if i.in.Properties == nil {
				return nil
			}
			return i.in.Properties(h.place(), p)
		}, p)
	}
	if err != nil {
		i.find(i.r.wrong(h.offset, err))
	} else if i.isSound && (p.Identity != i.r.identity || p.DataBytes != i.footer.dataEnd) {
		i.find(corruption.New(i.r.name, int64(h.offset), "properties and footer contradict each other"))
	}
}

// identityOf takes the identity from the properties where a damaged footer has a
// wrong one: their checksum shows whether it is the table's.
func (i *inspector) identityOf(raw []byte, h handle, why error) ([]byte, error) {
	p, err := parseProperties(raw[:h.stored])
	if err != nil {
		return nil, why
	}
	said := i.r.identity
	i.r.identity = p.Identity
	content, err := i.r.openSection(raw, h)
	if err != nil {
		i.r.identity = said
		return nil, why
	}
	return content, nil
}

func (i *inspector) filter() {
	h := i.footer.filter
	if h == (handle{}) {
		return
	}
	_, content, err := i.section("filter", h)
	if err != nil {
		i.find(err)
		return
	}
	f, err := parseFilter(content)
	if err != nil {
		i.find(i.r.wrong(h.offset, err))
		return
	}
	tell(i, i.in.Filter, &FilterInfo{
		Place: h.place(), Kind: content[0], Probes: f.probes, Lines: f.count,
		Keys: binary.LittleEndian.Uint64(content[16:]),
	})
}

// index is the index, or what a damaged one looks like; ok is false where it has
// no blocks to walk.
func (i *inspector) index() (x index, ok bool) {
	h := i.footer.index
	raw, content, err := i.section("index", h)
	if err != nil {
		i.find(err)
		if raw == nil || isNewer(err) {
			return x, false
		}
		content = raw[:h.stored]
	}
	x, splitErr := splitIndex(content)
	if splitErr != nil {
		if err == nil {
			i.find(i.r.wrong(h.offset, splitErr))
		}
		return x, false
	}
	isSound := err == nil
	if isSound {
		if !i.isSound { // what the footer says of it may be the damage
			i.footer.dataEnd = x.dataEnd()
		}
		if _, err := parseIndex(content, make([]byte, x.count*indexDerivedBytes), i.footer.dataEnd); err != nil {
			isSound = false
			i.find(corruption.New(i.r.name, int64(h.offset), "%v", err))
		}
	}
	tell(i, i.in.Index, &IndexInfo{
		Place: h.place(), IsSound: isSound, Blocks: x.count, PrefixBytes: len(x.prefix), FenceBytes: len(x.fences),
	})
	i.indexIsSound = isSound
	return x, i.stop == nil
}

// dataEnd is where the blocks end whose lengths the index has.
func (x *index) dataEnd() (end uint64) {
	for n := range x.count {
		end += uint64(binary.LittleEndian.Uint32(x.stored[4*n:])) + blockTrailerBytes
	}
	return end
}
