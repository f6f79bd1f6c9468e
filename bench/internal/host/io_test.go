package host

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestIOOfTheProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system does not tell")
	}
	const size = 1 << 20
	path := filepath.Join(t.TempDir(), "x")
	before := ReadIO()
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if d := ReadIO().Since(before); d.ReadChars < size || d.WriteChars < size {
		t.Errorf("%+v after %d bytes there and back", d, size)
	}
}
