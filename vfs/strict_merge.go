package vfs

import "slices"

// merge shortens a list to fewer steps with the same end: the smallest size that
// a truncation left, the last size, the last version of each sector. Sectors of
// lost changes stay lost.
func merge(list []change) []change {
	smallest, last := int64(-1), int64(-1)
	for _, ch := range list {
		if ch.kind == changeSize && (smallest < 0 || ch.size < smallest) {
			smallest = ch.size
		}
		if ch.kind != changeData {
			last = ch.size
		}
	}
	var out []change
	if smallest >= 0 {
		out = append(out, change{kind: changeSize, size: smallest})
	}
	if last >= 0 { // before the data: a later merge may part the two
		out = append(out, change{kind: changeSize, size: last})
	}
	return append(out, lastVersions(list)...)
}

// lastVersions is the data of the list, each sector once, as single-sector changes.
func lastVersions(list []change) []change {
	newest := map[int]change{}
	behind := 0 // no sector of newest lies at or behind it
	var numbers []int
	for _, ch := range list {
		if ch.kind == changeSize {
			if ch.size < int64(behind)*SectorBytes {
				cutNewest(newest, ch.size)
			}
			continue
		}
		behind = max(behind, ch.first+ch.count)
		for i := ch.first; i < ch.first+ch.count; i++ {
			one := ch.within(i, i+1)
			one.kind = changeData
			newest[i] = one
		}
	}
	for i := range newest {
		numbers = append(numbers, i)
	}
	slices.Sort(numbers)
	out := make([]change, len(numbers))
	for i, number := range numbers {
		out[i] = newest[number]
	}
	return out
}

func cutNewest(newest map[int]change, sizeBytes int64) {
	for i, old := range newest {
		cut := cutBehind([]change{old}, sizeBytes)
		if delete(newest, i); len(cut) == 1 {
			newest[i] = cut[0]
		}
	}
}
