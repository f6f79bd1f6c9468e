package vfs

import (
	"maps"
	"math/rand/v2"
)

// What a power cut leaves. An outcome is drawn per directory and per file from
// one seed and the object's id, so that it does not depend on the order in which
// they are visited. Independent coin tosses alone would almost never lose
// everything, keep everything or cut one write in two, which is where bugs are:
// so a style is drawn first.

// CrashImage is a file system with what the disk could hold if power were cut
// now: one outcome, drawn from r (nil: from the seed of NewStrict). Everything
// in it is durable, no lock is held, no handle open. s goes on unchanged.
func (s *Strict) CrashImage(r *rand.Rand) *Strict {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r == nil {
		r = s.own
	}
	return s.imageLocked(&imager{seed: r.Uint64(), style: drawStyle(r)})
}

// CrashImageStrict is the image in which everything unsynced is lost.
func (s *Strict) CrashImageStrict() *Strict {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.imageLocked(&imager{style: loseAll})
}

// CrashImageKept is the image in which everything unsynced was kept: a copy of
// the file system as it is now.
func (s *Strict) CrashImageKept() *Strict {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.imageLocked(&imager{style: keepAll})
}

// style is how an outcome treats a list of changes.
type style uint8

const (
	loseAll style = iota + 1
	keepAll
	mixed    // every object draws a style of its own
	inOrder  // the oldest changes are kept, one is torn, the rest is lost
	perWrite // every change is kept, lost or torn on its own
	perSector
	styles
)

func drawStyle(r *rand.Rand) style {
	if r.IntN(8) == 0 {
		return loseAll + style(r.IntN(int(styles-loseAll)))
	}
	return mixed
}

// imager builds one image.
type imager struct {
	seed  uint64
	style style
	files map[*inode]*inode // to the copies: a file with two names stays one
}

// draw is the style and the source of chance for one object.
func (im *imager) draw(id uint64) (style, dice) {
	d := dice{state: (im.seed ^ id*0x9e3779b97f4a7c15) + id}
	if im.style != mixed {
		return im.style, d
	}
	return ownStyles[d.below(len(ownStyles))], d
}

// ownStyles are the odds in a mixed image.
var ownStyles = [...]style{loseAll, keepAll, inOrder, inOrder, perWrite, perWrite, perWrite, perSector}

// imageLocked REQUIRES s.mu held exclusively: the image is of one instant.
func (s *Strict) imageLocked(im *imager) *Strict {
	img := NewStrict(im.seed)
	img.limits = s.limits
	img.ids.Store(s.ids.Load())
	img.ops.Store(s.ops.Load()) // its clock goes on
	im.files = make(map[*inode]*inode, 16)
	for path, d := range s.dirs {
		img.dirs[path] = im.dir(img, d)
	}
	return img
}

// dir is the copy of a directory, its files included.
func (im *imager) dir(img *Strict, d *memDir) *memDir {
	entries := d.disk
	if len(d.pending) > 0 {
		entries = maps.Clone(d.disk)
		how, dice := im.draw(d.id)
		survive(entries, d.pending, how, &dice)
	}
	c := &memDir{id: d.id, path: d.path, now: make(map[string]*inode, len(entries)), disk: make(map[string]*inode, len(entries))}
	for name, n := range entries {
		file := im.files[n]
		if file == nil {
			file = im.file(n)
			im.files[n] = file
		}
		img.linkLocked(file)
		c.now[name], c.disk[name] = file, file
	}
	return c
}

// survive applies the changes of a directory that reached the disk. A change
// whose name has lost an earlier one is lost too: the changes of one name reach
// the disk in order, those of different names in any.
func survive(entries map[string]*inode, list []entryChange, how style, d *dice) {
	cut := d.below(len(list) + 1)
	keepOf16 := d.below(16) // some outcomes keep much, some little
	var blocked []string
	isBlocked := func(name string) bool {
		for _, b := range blocked {
			if b == name {
				return true
			}
		}
		return false
	}
	for i, e := range list {
		kept := how == keepAll || how == inOrder && i < cut ||
			how > inOrder && d.below(16) <= keepOf16
		if kept && !isBlocked(e.name) && !(e.from != "" && isBlocked(e.from)) {
			e.apply(entries)
			continue
		}
		blocked = append(blocked, e.name)
		if e.from != "" {
			blocked = append(blocked, e.from)
		}
	}
}

// file is the copy of a file with what of its changes survived.
func (im *imager) file(n *inode) *inode {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.disk.share()
	if len(n.pending) > 0 {
		how, dice := im.draw(n.id)
		keepSome(&c, n.pending, how, &dice)
		c.shared = true
	}
	return &inode{id: n.id, now: c, disk: c, modTicks: n.modTicks}
}

// keepSome applies to c what of the changes reached the disk. Sizes are
// journalled: those before one point of the list are durable. Data is not: each
// change meets its own fate.
func keepSome(c *content, list []change, how style, d *dice) {
	journalled := d.below(len(list) + 1)
	switch how {
	case keepAll:
		journalled = len(list)
	case loseAll:
		journalled = 0
	}
	cut, keepOf16 := d.below(len(list)+1), d.below(16)
	size := c.size
	for i := range list {
		ch := &list[i]
		if ch.kind == changeSize {
			if i < journalled {
				c.resize(ch.size)
				size = ch.size
			}
			continue
		}
		switch {
		case how == keepAll, how == inOrder && i < cut, how == perWrite && d.below(16) <= keepOf16:
			c.put(ch, 0, lastSector)
		case how == inOrder && i == cut, how == perWrite && d.below(3) == 0:
			tear(c, ch, d)
		case how == perSector:
			keepSectors(c, ch, keepOf16, d)
		}
		if ch.kind == changeWrite && i < journalled {
			size = max(size, ch.size)
		}
	}
	if journalled < len(list) && how > mixed {
		size = partGrowth(size, &list[journalled], d)
	}
	c.resize(size)
}

// partGrowth lets the first write whose size was not journalled have grown the
// file in part: systems move the end page by page.
func partGrowth(size int64, next *change, d *dice) int64 {
	if next.kind != changeWrite || next.size <= size || d.below(4) != 0 {
		return size
	}
	grown := sectorsFor(next.size) - sectorsFor(size)
	return max(size, min(next.size, (int64(sectorsFor(size))+int64(d.below(grown+1)))*SectorBytes))
}

// tear keeps the front of a change, its back, or some of its sectors.
func tear(c *content, ch *change, d *dice) {
	at := ch.first + d.below(ch.count+1)
	switch d.below(3) {
	case 0:
		c.put(ch, ch.first, at)
	case 1:
		c.put(ch, at, ch.first+ch.count)
	default:
		keepSectors(c, ch, d.below(16), d)
	}
}

func keepSectors(c *content, ch *change, keepOf16 int, d *dice) {
	for i := ch.first; i < ch.first+ch.count; i++ {
		if d.below(16) <= keepOf16 {
			c.put(ch, i, i+1)
		}
	}
}

// dice is a small fast source of chance (splitmix64, Steele and others 2014):
// one is made for every file of every image.
type dice struct{ state uint64 }

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is a number in [0, n); n > 0.
func (d *dice) below(n int) int { return int(d.next() >> 1 % uint64(n)) }
