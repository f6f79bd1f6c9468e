package report

import (
	"encoding/json"
	"fmt"
	"os"
)

// JSON writes the report to a file, replacing it.
func JSON(path string, r *Report) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
