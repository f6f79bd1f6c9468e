// Package module tells the versions of the modules that this program was built from.
package module

import "runtime/debug"

// Version is a module's version; empty where the build does not know it.
func Version(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return ""
}
