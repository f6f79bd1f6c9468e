package lint

import (
	"go/ast"
	"path"
	"slices"
	"strings"
)

// effect is a way in which code depends on more than its arguments.
type effect uint8

const (
	clock  effect = iota + 1 // what time it is
	chance                   // random numbers that no seed repeats
	system                   // files, processes, the environment, raw system calls
)

// seams are the places that may have an effect, and why. Everybody else is
// handed a `func() time.Time`, a `func() uint64` or a vfs.FS.
// A path that ends in "/" means everything below it.
var seams = []seam{
	{"vfs/", []effect{system}, "the one room that touches the disk"},
	{"internal/offheap/", []effect{system}, "maps memory outside Go's heap"},
	{"clock.go", []effect{clock, chance}, "the root's clock and random source"},
	{"options.go", []effect{clock, chance}, "what Open uses where the caller gives none"},
	{"wal/clock.go", []effect{clock, chance}, "the log can be opened without the engine"},
	{"wal/options.go", []effect{clock, chance}, "what Open uses where the caller gives none"},
	{"wal/state/options.go", []effect{clock, chance}, "what Open uses where the caller gives none"},
	{"bench/", []effect{clock, chance, system}, "measures: a program, not the library"},
	{"cmd/", []effect{clock, chance, system}, "a program, not the library"},
	{"tests/", []effect{clock, chance, system}, "tests from outside"},
	{"internal/lint/", []effect{system}, "reads the sources, never a database"},
}

type seam struct {
	path string
	may  []effect
	why  string
}

// sources are the standard packages with an effect: only the names in refuse,
// or, where that is empty, all names but those in allow.
var sources = []source{
	{pkg: "time", effect: clock, refuse: []string{"Now", "Since", "Until"}, do: "take the clock from the options"},
	{pkg: "time", effect: clock, refuse: []string{"Sleep", "Tick"}, do: "wait in a select with a timer and a stop channel: a sleeper cannot be stopped"},
	{pkg: "math/rand", effect: chance, allow: []string{"Rand", "Source", "New", "NewSource"}, do: "take a seeded *rand.Rand or the random source from the options"},
	{pkg: "math/rand/v2", effect: chance, allow: []string{"Rand", "Source", "New", "NewPCG", "NewChaCha8", "PCG", "ChaCha8"}, do: "take a seeded *rand.Rand or the random source from the options"},
	{pkg: "crypto/rand", effect: chance, do: "take the random source from the options"},
	{pkg: "hash/maphash", effect: chance, refuse: []string{"MakeSeed", "String", "Bytes", "Comparable"}, do: "use internal/hash: its sums are the same in every process"},
	{pkg: "os", effect: system, allow: harmless, do: "go through vfs"},
	{pkg: "os/exec", effect: system, do: "a library starts no process"},
	{pkg: "os/signal", effect: system, do: "signals belong to the program, not to the library"},
	{pkg: "io/ioutil", effect: system, do: "go through vfs"},
	{pkg: "path/filepath", effect: system, refuse: []string{"Abs", "EvalSymlinks", "Glob", "Walk", "WalkDir"}, do: "go through vfs"},
	{pkg: "syscall", effect: system, allow: []string{"Errno", "EIO", "ENOSPC", "EDQUOT", "EINTR"}, do: "go through vfs or internal/offheap"},
	{pkg: "log", effect: system, do: "use the injected slog.Logger, and return errors: the process is never ended"},
	{pkg: "net", effect: system, do: "an embedded engine has no network"},
	{pkg: "net/http", effect: system, do: "an embedded engine has no network"},
}

// harmless names of os touch nothing: errors, flags and types.
var harmless = []string{
	"ErrClosed", "ErrDeadlineExceeded", "ErrExist", "ErrInvalid", "ErrNotExist", "ErrPermission",
	"IsExist", "IsNotExist", "IsPermission",
	"DirEntry", "FileInfo", "FileMode", "LinkError", "PathError", "SyscallError",
	"O_APPEND", "O_CREATE", "O_EXCL", "O_RDONLY", "O_RDWR", "O_SYNC", "O_TRUNC", "O_WRONLY",
	"ModeDir", "ModePerm", "PathSeparator",
}

type source struct {
	pkg           string
	effect        effect
	refuse, allow []string
	do            string
}

func (s source) refuses(name string) bool {
	if len(s.refuse) > 0 {
		return slices.Contains(s.refuse, name)
	}
	return !slices.Contains(s.allow, name)
}

func checkSeams(t *Tree) []Finding {
	return eachFile(t, checkSeam)
}

func checkSeam(f *File) []Finding {
	if f.Test {
		return nil
	}
	names := f.importNames()
	var found []Finding
	for p, spec := range f.imports() {
		if spec.Name != nil && spec.Name.Name == "." {
			found = append(found, f.finding(spec.Pos(), "import it by name, so that a reader sees where names come from", "dot import of %s", p))
		}
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := sel.X.(*ast.Ident)
		if !ok || x.Obj != nil { // Obj: a local name that hides the package
			return true
		}
		for _, s := range sources {
			if s.pkg == names[x.Name] && s.refuses(sel.Sel.Name) && !mayHave(f.Path, s.effect) {
				found = append(found, f.finding(sel.Pos(), s.do+"; a new seam is a line in `seams` of internal/lint/seams.go", "%s.%s outside its seam", x.Name, sel.Sel.Name))
			}
		}
		return true
	})
	return sorted(found)
}

func mayHave(file string, e effect) bool {
	for _, s := range seams {
		below := strings.HasSuffix(s.path, "/") && strings.HasPrefix(file, s.path)
		if (below || file == s.path) && slices.Contains(s.may, e) {
			return true
		}
	}
	return false
}

// importNames gives the import path behind each package name of the file.
func (f *File) importNames() map[string]string {
	names := make(map[string]string)
	for p, spec := range f.imports() {
		name := path.Base(p)
		if name == "v2" {
			name = path.Base(path.Dir(p))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = p
	}
	return names
}
