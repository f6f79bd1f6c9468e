package vfs

import "slices"

// sync makes everything durable but what an earlier failed sync lost.
// REQUIRES: mu held.
func (n *inode) sync() {
	if slices.ContainsFunc(n.pending, func(ch change) bool { return ch.lost }) {
		n.settle(0, lastSector)
		return
	}
	for i := range n.pending {
		n.disk.apply(&n.pending[i])
	}
	clear(n.pending)
	n.pending = n.pending[:0]
}

// apply does the whole change to c.
func (c *content) apply(ch *change) {
	if ch.kind == changeSize {
		c.resize(ch.size)
		return
	}
	c.put(ch, ch.first, ch.first+ch.count)
	if ch.kind == changeWrite {
		c.size = max(c.size, ch.size)
	}
}

// settle makes all sizes durable and the data of sectors [lo, hi), as a range
// sync does; other data stays pending. REQUIRES: mu held.
func (n *inode) settle(lo, hi int) {
	var rest []change
	for _, ch := range n.pending {
		if ch.kind == changeSize {
			n.disk.resize(ch.size)
			rest = cutBehind(rest, ch.size)
			continue
		}
		if ch.kind == changeWrite {
			n.disk.size = max(n.disk.size, ch.size)
			ch.kind = changeData
		}
		if ch.lost {
			rest = append(rest, ch)
			continue
		}
		if part := ch.within(lo, hi); part.count > 0 {
			n.disk.put(&part, lo, hi)
			rest = exclude(rest, part.first, part.first+part.count)
		}
		rest = appendParts(rest, ch, lo, hi)
	}
	n.pending = rest
}

// exclude takes sectors [lo, hi) out of the changes: something newer is durable.
func exclude(list []change, lo, hi int) []change {
	var rest []change
	for _, ch := range list {
		rest = appendParts(rest, ch, lo, hi)
	}
	return rest
}

// appendParts appends what of ch lies outside sectors [lo, hi).
func appendParts(list []change, ch change, lo, hi int) []change {
	for _, part := range [2]change{ch.within(0, lo), ch.within(hi, lastSector)} {
		if part.count > 0 {
			list = append(list, part)
		}
	}
	return list
}

// cutBehind takes what lies behind a new size out of the changes.
func cutBehind(list []change, sizeBytes int64) []change {
	keep, tail := sectorsFor(sizeBytes), int(sizeBytes%SectorBytes)
	var rest []change
	for _, ch := range list {
		ch = ch.within(0, keep)
		if ch.count == 0 {
			continue
		}
		if tail != 0 && ch.chunk != nil && ch.first+ch.count == keep {
			chunk := make([]sector, ch.count)
			for i := range chunk {
				chunk[i].data = ch.chunk[i].data
			}
			clear(chunk[ch.count-1].data[tail:])
			ch.chunk = chunk
		}
		rest = append(rest, ch)
	}
	return rest
}

// fail is what a failed sync does: the data may or may not have reached the
// disk, and the system counts it as clean from then on. REQUIRES: mu held.
func (n *inode) fail() {
	var list []change
	for _, ch := range n.pending {
		size := change{kind: changeSize, size: ch.size}
		if grows := ch.kind == changeWrite; grows {
			ch.kind = changeData
			list = append(list, size)
		}
		if ch.kind == changeData {
			ch.lost = true
		}
		list = append(list, ch)
	}
	n.pending = list
}
