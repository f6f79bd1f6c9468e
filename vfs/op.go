package vfs

import "fmt"

// OpKind is which call of the file system an Op is.
type OpKind uint8

// Kinds of calls, one per method.
const (
	OpOpenDir OpKind = iota + 1
	OpCreate
	OpOpen
	OpOpenReadWrite
	OpRemove
	OpRename
	OpLink
	OpList
	OpStat
	OpSyncDir
	OpLock
	OpUnlock
	OpFreeBytes
	OpCloseDir
	OpRead
	OpWrite
	OpWriteSync
	OpSync
	OpSyncData
	OpWriteback
	OpTruncate
	OpSize
	OpClose
)

var opNames = [...]string{
	OpOpenDir: "open directory", OpCreate: "create", OpOpen: "open", OpOpenReadWrite: "open for writing",
	OpRemove: "remove", OpRename: "rename", OpLink: "link", OpList: "list", OpStat: "stat",
	OpSyncDir: "sync directory", OpLock: "lock", OpUnlock: "unlock", OpFreeBytes: "ask for free space",
	OpCloseDir: "close directory", OpRead: "read", OpWrite: "write", OpWriteSync: "write and sync",
	OpSync: "sync", OpSyncData: "sync data", OpWriteback: "start writeback", OpTruncate: "truncate",
	OpSize: "size", OpClose: "close",
}

// String is the kind in words, as error messages use it.
func (k OpKind) String() string {
	if int(k) < len(opNames) && opNames[k] != "" {
		return opNames[k]
	}
	return fmt.Sprintf("OpKind(%d)", uint8(k))
}

// Changes tells whether such a call can change what a later opener finds, the
// syncs included.
func (k OpKind) Changes() bool {
	switch k {
	case OpCreate, OpRemove, OpRename, OpLink, OpSyncDir, OpWrite, OpWriteSync, OpSync, OpSyncData, OpTruncate:
		return true
	case OpOpenDir, OpLock: // may make the directory, the lock file
		return true
	}
	return false
}

// Op is one call of a file system, as hooks and fault injectors see it.
type Op struct {
	Kind    OpKind
	Dir     string // path of the directory
	Name    string // base name; empty where the directory itself is meant
	NewName string // of a rename or link
	Offset  int64  // of a read, write or writeback; the new size of a truncation
	Length  int    // bytes of a read, write or writeback
	Index   uint64 // running number of the call, from 0
	After   bool   // the effect has happened; else it is still to come
}

// String is one line for logs and failure reports.
func (o Op) String() string {
	when := "before"
	if o.After {
		when = "after"
	}
	s := fmt.Sprintf("%s #%d %s %s/%s", when, o.Index, o.Kind, o.Dir, o.Name)
	switch o.Kind {
	case OpRename, OpLink:
		return s + " to " + o.NewName
	case OpRead, OpWrite, OpWriteSync, OpWriteback:
		return fmt.Sprintf("%s [%d, +%d)", s, o.Offset, o.Length)
	case OpTruncate:
		return fmt.Sprintf("%s to %d", s, o.Offset)
	}
	return s
}
