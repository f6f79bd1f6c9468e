package corruption

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestNewerIsNeverTakenForDamaged(t *testing.T) {
	newer := fmt.Errorf("open: %w", Unsupported("000001.sst", 7, "block kind %d", 9))
	damaged := fmt.Errorf("open: %w", New("000001.sst", 7, "checksum mismatch"))
	if !errors.Is(newer, ErrUnsupported) || errors.Is(newer, Err) {
		t.Fatal(newer)
	}
	if !errors.Is(damaged, Err) || errors.Is(damaged, ErrUnsupported) {
		t.Fatal(damaged)
	}
	for _, want := range []string{"000001.sst", "offset 7", "block kind 9", "newer"} {
		if !strings.Contains(newer.Error(), want) {
			t.Fatalf("%v does not say %q", newer, want)
		}
	}
	if text := Unsupported("CURRENT", -1, "x").Error(); strings.Contains(text, "offset") {
		t.Fatal(text)
	}
}
