package manifest

import (
	"fmt"
	"strings"

	"github.com/varvekv/varve/internal/filename"
)

// String draws the tree: a line for each level that is not empty, run and slice.
func (v *Version) String() string {
	var b strings.Builder
	for level := range v.Levels {
		l := &v.Levels[level]
		if len(l.Runs) == 0 {
			continue
		}
		fmt.Fprintf(&b, "L%d: runs %d, slices %d, bytes %d\n", level, len(l.Runs), l.SliceCount(), l.FileBytes())
		for i := range l.Runs {
			drawRun(&b, &l.Runs[i], i == len(l.Runs)-1)
		}
	}
	if b.Len() == 0 {
		return "no slices\n"
	}
	return b.String()
}

func drawRun(b *strings.Builder, r *Run, last bool) {
	fork, stem := branch(last)
	fmt.Fprintf(b, "%srun %d\n", fork, r.ID)
	for i, s := range r.Slices {
		leaf, _ := branch(i == len(r.Slices)-1)
		fmt.Fprintf(b, "%s%s%s\n", stem, leaf, s)
	}
}

func branch(last bool) (fork, stem string) {
	if last {
		return "└─ ", "   "
	}
	return "├─ ", "│  "
}

// String is one line: id, file, bounds, sequences and figures.
func (s *Slice) String() string {
	return fmt.Sprintf("%d in %s [%q, %q] seq %d-%d, entries %d (tombstones %d), bytes %d",
		s.ID, filename.Make(filename.Table, s.File), s.Lower, s.Upper, s.SeqMin, s.SeqMax,
		s.Entries, s.Tombstones, s.FileBytes)
}
