// Package tests holds the tests of varve that need libraries of their own.
package tests
