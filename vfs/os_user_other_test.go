//go:build unix && !linux

package vfs

import "errors"

func setThreadUser(int) error { return errors.New("no user of a thread here") }
