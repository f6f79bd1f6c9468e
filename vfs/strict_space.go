package vfs

// roomFor is the size up to which a file of oldBytes may be brought on its way
// to newBytes. Writes at the same instant may together pass the limit a little.
// REQUIRES: mu held, shared at least.
func (s *Strict) roomFor(oldBytes, newBytes int64) int64 {
	if s.limits.bytes == 0 || newBytes <= oldBytes {
		return newBytes
	}
	free := max(0, s.limits.bytes-s.used.Load())
	return min(newBytes, (diskBytes(oldBytes)+free)/SectorBytes*SectorBytes)
}

// charge accounts a file's new size and stamps it. REQUIRES: the inode's mu
// held, and s.mu, shared at least.
func (s *Strict) charge(n *inode, oldBytes int64) {
	n.modTicks = s.tick()
	if n.links > 0 {
		s.used.Add(diskBytes(n.now.size) - diskBytes(oldBytes))
	}
}

// linkLocked counts a new name of n.
func (s *Strict) linkLocked(n *inode) {
	if n.links++; n.links == 1 {
		s.used.Add(diskBytes(n.now.size))
	}
}

// unlinkLocked counts a name of n gone; its space is free with the last one.
func (s *Strict) unlinkLocked(n *inode) {
	if n.links--; n.links == 0 {
		s.used.Add(-diskBytes(n.now.size))
	}
}

func (s *Strict) countFilesLocked() int {
	count := 0
	for _, d := range s.dirs {
		count += len(d.now)
	}
	return count
}

// diskBytes is whole sectors.
func diskBytes(sizeBytes int64) int64 { return int64(sectorsFor(sizeBytes)) * SectorBytes }
