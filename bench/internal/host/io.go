package host

import "strconv"

// IO is what the process read and wrote, as its system counts it: zero where it
// does not. The chars are what system calls asked for, cached or not, of
// anything: files, pipes, sockets. The bytes are what went to and came from the
// disk, also by way of mapped memory.
type IO struct {
	ReadChars  int64 `json:"read_chars"`
	WriteChars int64 `json:"write_chars"`
	ReadBytes  int64 `json:"read_bytes"`
	WriteBytes int64 `json:"write_bytes"`
}

// ReadIO is the counts since the process began. An engine that does not count
// its own traffic can be measured by them, when nothing else runs beside it.
func ReadIO() IO {
	text := procIO()
	return IO{
		ReadChars:  number(fieldOf(text, "rchar", ":")),
		WriteChars: number(fieldOf(text, "wchar", ":")),
		ReadBytes:  number(fieldOf(text, "read_bytes", ":")),
		WriteBytes: number(fieldOf(text, "write_bytes", ":")),
	}
}

// Since is what was read and written after an earlier reading.
func (i IO) Since(before IO) IO {
	return IO{
		ReadChars:  i.ReadChars - before.ReadChars,
		WriteChars: i.WriteChars - before.WriteChars,
		ReadBytes:  i.ReadBytes - before.ReadBytes,
		WriteBytes: i.WriteBytes - before.WriteBytes,
	}
}

// number reads a decimal number; 0 when it is not that.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
