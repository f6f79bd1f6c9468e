package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes the whole report for programs.
func JSON(w io.Writer, r *Report) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
