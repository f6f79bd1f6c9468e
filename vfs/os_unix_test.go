//go:build unix && !solaris && !illumos && !aix

package vfs

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
)

func osDB(t testing.TB) (Dir, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	d, err := OS.OpenDir(path, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d, path
}

func TestModes(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	base := t.TempDir()
	closeIt(t, must(OS.OpenDir(filepath.Join(base, "a", "b"), true))(t))
	for _, name := range []string{"a", "a/b"} {
		if info := must(os.Stat(filepath.Join(base, name)))(t); info.Mode().Perm() != 0o700 {
			t.Fatalf("%s has mode %v", name, info.Mode())
		}
	}
	d, path := osDB(t)
	put(t, d, "f", "x")
	closeIt(t, must(d.Lock("LOCK", false))(t))
	for _, name := range []string{"f", "LOCK"} {
		if info := must(os.Stat(filepath.Join(path, name)))(t); info.Mode().Perm() != 0o600 {
			t.Fatalf("%s has mode %v", name, info.Mode())
		}
	}
}

func TestNoSymlinkLeadsOut(t *testing.T) {
	d, path := osDB(t)
	outside := filepath.Join(t.TempDir(), "outside")
	check(t, os.WriteFile(outside, []byte("secret"), 0o600))
	check(t, os.Symlink(outside, filepath.Join(path, "link")))
	for _, open := range []func(string) (File, error){d.Open, d.OpenReadWrite, d.Create} {
		if f, err := open("link"); err == nil {
			t.Fatalf("opened %s through a link", f.Name())
		}
	}
	if _, err := d.Lock("link", false); err == nil {
		t.Fatal("locked through a link")
	}
	if d.Link("link", d, "x") == nil {
		t.Fatal("linked a link")
	}
	if names := must(d.List())(t); len(names) != 0 {
		t.Fatalf("listed %q", names)
	}
	check(t, d.Remove("link"))
	if data := must(os.ReadFile(outside))(t); string(data) != "secret" {
		t.Fatal("touched what lies outside")
	}
}

// TestPipeDoesNotHang: a pipe in the place of a file would make an open wait.
func TestPipeDoesNotHang(t *testing.T) {
	d, path := osDB(t)
	check(t, syscall.Mkfifo(filepath.Join(path, "pipe"), 0o600))
	for _, open := range []func(string) (File, error){d.Open, d.OpenReadWrite} {
		if _, err := open("pipe"); err == nil {
			t.Fatal("opened a pipe")
		}
	}
	if _, err := OS.OpenDir(filepath.Join(path, "pipe"), true); err == nil {
		t.Fatal("opened a pipe as a directory")
	}
	if _, err := d.Lock("pipe", true); err == nil {
		t.Fatal("locked a pipe")
	}
	if names := must(d.List())(t); len(names) != 0 {
		t.Fatalf("listed %q", names)
	}
}

func TestDirectoryFollowsItsRename(t *testing.T) {
	d, path := osDB(t)
	check(t, os.Rename(path, path+"2"))
	put(t, d, "f", "x")
	lock := must(d.Lock("LOCK", false))(t)
	defer closeIt(t, lock)
	again := must(OS.OpenDir(path+"2", false))(t)
	defer closeIt(t, again)
	if get(t, again, "f") != "x" {
		t.Fatal("another directory")
	}
	_, err := again.Lock("LOCK", false)
	wantErr(t, err, ErrLocked)
}

func TestReplacedLockFileIsNoLock(t *testing.T) {
	d, path := osDB(t)
	od := d.(*osDir)
	f := must(od.openRaw("lock", "LOCK", os.O_RDWR|os.O_CREATE))(t)
	defer closeIt(t, f)
	check(t, os.Remove(filepath.Join(path, "LOCK")))
	check(t, os.WriteFile(filepath.Join(path, "LOCK"), nil, 0o600))
	wantErr(t, od.sameFile("LOCK", f), ErrLocked)
}

const lockHelperEnv = "VARVE_VFS_LOCK_DIR"

// TestLockHelper is the other process of TestLockHoldsBetweenProcesses: it exits
// 0 with the lock, 3 when it is held.
func TestLockHelper(t *testing.T) {
	path := os.Getenv(lockHelperEnv)
	if path == "" {
		t.Skip("only as a child process")
	}
	d := must(OS.OpenDir(path, false))(t)
	_, err := d.Lock("LOCK", os.Getenv("VARVE_VFS_LOCK_SHARED") != "")
	switch {
	case errors.Is(err, ErrLocked):
		os.Exit(3)
	case err != nil:
		t.Fatal(err)
	}
	os.Exit(0) // without Close: the system gives the lock back
}

func TestLockHoldsBetweenProcesses(t *testing.T) {
	d, path := osDB(t)
	child := func(shared string) int {
		cmd := exec.Command(os.Args[0], "-test.run=^TestLockHelper$")
		cmd.Env = append(os.Environ(), lockHelperEnv+"="+path, "VARVE_VFS_LOCK_SHARED="+shared)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) || cmd.ProcessState.ExitCode() == 1 {
			t.Fatalf("%v\n%s", err, out)
		}
		return cmd.ProcessState.ExitCode()
	}
	lock := must(d.Lock("LOCK", false))(t)
	closeIt(t, must(d.OpenReadWrite("LOCK"))(t)) // must not drop it
	if child("") != 3 || child("y") != 3 {
		t.Fatal("the lock did not hold")
	}
	check(t, lock.Close())
	if child("") != 0 {
		t.Fatal("the lock was not given back")
	}
	lock = must(d.Lock("LOCK", true))(t)
	if child("y") != 0 || child("") != 3 {
		t.Fatal("shared lock: readers together, no writer")
	}
	check(t, lock.Close())
}

// asNobody runs f on a thread whose file access is an unprivileged user's.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := setThreadUser(65534); err != nil {
		t.Skip(err)
	}
	defer func() { check(t, setThreadUser(0)) }()
	f()
}

func TestSharedLockWhereNothingMayBeWritten(t *testing.T) {
	d, path := osDB(t)
	put(t, d, "f", "x")
	for p := path; p != os.TempDir(); p = filepath.Dir(p) {
		check(t, os.Chmod(p, 0o755))
	}
	check(t, os.Chmod(path, 0o555))
	check(t, os.Chmod(filepath.Join(path, "f"), 0o444))
	defer func() { check(t, os.Chmod(path, 0o755)) }()
	asNobody(t, func() {
		_, err := d.Lock("LOCK", false)
		wantErr(t, err, fs.ErrPermission, "LOCK")
		lock := must(d.Lock("LOCK", true))(t)
		_, err = d.Lock("LOCK", false)
		wantErr(t, err, ErrLocked)
		check(t, lock.Close())
		if get(t, d, "f") != "x" || !slices.Equal(must(d.List())(t), []string{"f"}) {
			t.Fatal("cannot be read")
		}
		again := must(OS.OpenDir(path, true))(t) // creation has nothing to do
		closeIt(t, again)
	})
	check(t, os.Chmod(path, 0o755))
	put(t, d, "LOCK", "")
	check(t, os.Chmod(filepath.Join(path, "LOCK"), 0o444))
	check(t, os.Chmod(path, 0o555))
	asNobody(t, func() {
		shared := must(d.Lock("LOCK", true))(t)
		defer closeIt(t, shared)
		_, err := d.Lock("LOCK", false)
		wantErr(t, err, ErrLocked)
		if err := tryLockByName(path); !errors.Is(err, ErrLocked) && runtime.GOOS == "linux" {
			t.Fatalf("no lock of the system is held: %v", err)
		}
	})
}

// TestNewDirectoryNeedsASync: a directory whose parent cannot be synced after
// its making is an error, for a power cut could take it away. What exists
// already is opened all the same.
func TestNewDirectoryNeedsASync(t *testing.T) {
	base := t.TempDir()
	for p := base; p != os.TempDir(); p = filepath.Dir(p) {
		check(t, os.Chmod(p, 0o755))
	}
	check(t, os.Chmod(base, 0o333)) // may be written, not read
	defer func() { check(t, os.Chmod(base, 0o755)) }()
	asNobody(t, func() {
		_, err := OS.OpenDir(filepath.Join(base, "db"), true)
		wantErr(t, err, fs.ErrPermission, base)
		closeIt(t, must(OS.OpenDir(filepath.Join(base, "db"), true))(t))
	})
}

// tryLockByName goes around the in-process table.
func tryLockByName(path string) error {
	if os.Getuid() == 0 {
		defer func() { _ = setThreadUser(65534) }()
		if err := setThreadUser(0); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(filepath.Join(path, "LOCK"), os.O_RDWR, 0)
	if err != nil {
		return ErrLocked // not root: nobody of us can even open it
	}
	return errors.Join(tryLock(f, lockExclusive), f.Close())
}

func TestLockTableAloneHolds(t *testing.T) {
	d, path := osDB(t)
	lock := must(d.Lock("LOCK", false))(t)
	defer closeIt(t, lock)
	check(t, os.Remove(filepath.Join(path, "LOCK"))) // the system's lock is worthless now
	_, err := d.Lock("LOCK", false)
	wantErr(t, err, ErrLocked)
}

// TestFallbacks calls what older systems need directly.
func TestFallbacks(t *testing.T) {
	d, path := osDB(t)
	put(t, d, "f", "abc")
	f := must(d.OpenReadWrite("f"))(t)
	defer closeIt(t, f)
	must(writeThenSync(f.(*osFile), []byte("X"), 1))(t)
	must(WriteAtSync(struct{ File }{f}, []byte("Y"), 2))(t) // hides SyncWriter
	if got := get(t, d, "f"); got != "aXY" {
		t.Fatalf("%q", got)
	}
	open := func() *os.File { return must(os.OpenFile(filepath.Join(path, "f"), os.O_RDWR, 0))(t) }
	a, b := open(), open()
	check(t, flock(a, lockShared))
	check(t, flock(b, lockShared))
	wantErr(t, flock(b, lockExclusive), ErrLocked)
	check(t, a.Close())
	check(t, flock(b, lockExclusive))
	check(t, b.Close())
	wantErr(t, flock(b, lockExclusive), fs.ErrClosed)
}
