package main

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// How long anything may take: generous, because the machine may be busy.
const patience = 20 * time.Second

// checks runs one check after the other, prints a line for each and counts.
type checks struct {
	passed int
	failed int
}

func (c *checks) check(name string, body func() error) {
	if problem := body(); problem != nil {
		c.failed++
		fmt.Printf("FAIL %s: %v\n", name, problem)
		return
	}
	c.passed++
	fmt.Printf("ok   %s\n", name)
}

func equal(expected, actual any) error {
	if expected != actual {
		return fmt.Errorf("expected %v, got %v", expected, actual)
	}
	return nil
}

// refused is nil when the call ended with this status.
func refused(expected codes.Code, problem error) error {
	if problem == nil {
		return fmt.Errorf("expected %v, but the call succeeded", expected)
	}
	return equal(expected, status.Code(problem))
}

// first is the first problem, if there is one.
func first(problems ...error) error {
	return errors.Join(problems...)
}
