// Asks real Go which lists take which targets, and prints the answers as tests/unit/policy/no_proxy_go.h.
// tests/unit/policy/no_proxy_go.sh runs it with Debian's packages.
package main

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

var targets = []string{
	"gcr.io:443", "gcr.io:80", "us.gcr.io:443", "a.b.gcr.io:80", "notgcr.io:443", "gcr.io.example:443",
	"gcr.io.:443", "us.gcr.io.:80", "io:443", "io.:443", "localhost:80", "localhost.:80", "a.localhost:443",
	"x_y-z.example:8080", "10.0.0.1:80", "10.1.2.3:443", "11.0.0.1:80", "127.0.0.1:80", "127.9.9.9:443",
	"192.0.2.1:80", "[::1]:80", "[2001:db8::1]:443", "[2001:db8:1::1]:80", "[::ffff:10.0.0.1]:80",
	"[::ffff:127.0.0.1]:443", "[2001:db8::1:443]:80", "[::2]:443", "0.0.0.0:80",
}

var entries = []string{
	"gcr.io", ".gcr.io", "*.gcr.io", "gcr.io.", ".gcr.io.", "*.gcr.io.", "GCR.io", "gcr.io:443", ".gcr.io:80",
	"*.gcr.io:443", "gcr.io.:443", "gcr.io:", "gcr.io:0443", "gcr.io:https", "gcr.io:443:443", "us.gcr.io", "io", ".io",
	"io.", ".", "..", "*.", "*.*", "*gcr.io", "g*.io", "*:443", "localhost", "localhost.", ".localhost", "*.example",
	"x_y-z.example", "x_y-z.example:8080", "http://gcr.io", "gcr.io/v2", "gcr.io;io", "gcr.io io", "'gcr.io", "\"gcr.io\"",
	"[gcr.io]:443", "[gcr.io]", "gcr.io]", ":443", ":", "", " ", "a..gcr.io", "-", "10.0.0.1", "10.0.0.1:80", "10.0.0.1:443",
	"10.0.0.1.", "10.0.0.0/8", "10.9.9.9/8", "10.0.0.0/8:80", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/", "/8", "0.0.0.0/0",
	"010.0.0.1", "10.0.0", "10.*", "10.0.0.1-9", "0x0a.0.0.1", "127.0.0.1", "127.0.0.0/8", "192.0.2.1", "192.0.2.0/24",
	"::1", "[::1]", "[::1]:80", "[::1]:443", "2001:db8::1", "2001:0DB8:0::1", "[2001:db8::1]:443", "[2001:db8::1]:80",
	"2001:db8::1:443", "2001:db8::/32", "2001:db8::/129", "[2001:db8::]/32", "[2001:db8::/32]:443", "2001:db8:1::1/32", "::/0",
	"::ffff:10.0.0.1", "::ffff:10.0.0.0/104", "::ffff:0:0/96", "::ffff:0:0/95", "::/96", "fe80::1%eth0", "::2", "[::2]:443",
	"0.0.0.0",
}

// A small generator of its own, so that the table is the same everywhere.
type dice uint32

func (d *dice) below(n int) int {
	*d = *d*1664525 + 1013904223
	return int(uint32(*d)>>8) % n
}

func lists() []string {
	out := append([]string{}, entries...)
	out = append(out, "*", " * ", "gcr.io,*", "*,gcr.io", "*,,", "\t*\n")
	separators := []string{",", ", ", " ,", ",,", "\t,\n", ",\r\n"}
	d := dice(20261129)
	for len(out) < 330 {
		list := ""
		for n := 2 + d.below(4); n > 0; n-- {
			list += entries[d.below(len(entries))]
			if n > 1 {
				list += separators[d.below(len(separators))]
			}
		}
		switch d.below(8) {
		case 0:
			list = strings.ToUpper(list)
		case 1:
			list = " " + list + ",\n"
		}
		out = append(out, list)
	}
	return out
}

// Since x/net 0.36 no address is compared with names, and culvert never did; 0.7 still lets an entry "0.0.1" take
// 10.0.0.1. So the entries that are names are left out before an address is asked about.
func addressesOf(list string) string {
	var kept []string
	for _, entry := range strings.Split(list, ",") {
		text := strings.TrimSpace(entry)
		host := text
		if name, _, err := net.SplitHostPort(text); err == nil {
			host = name
		}
		_, _, err := net.ParseCIDR(text)
		if text == "*" || err == nil || net.ParseIP(host) != nil {
			kept = append(kept, entry)
		}
	}
	return strings.Join(kept, ",")
}

func goesDirect(list, target string) bool {
	if host, _, _ := net.SplitHostPort(target); net.ParseIP(host) != nil {
		list = addressesOf(list)
	}
	config := httpproxy.Config{HTTPProxy: "http://proxy.example:3128", NoProxy: list}
	proxy, err := config.ProxyFunc()(&url.URL{Scheme: "http", Host: target})
	if err != nil {
		panic(err)
	}
	return proxy == nil
}

func main() {
	fmt.Println("// Made by no_proxy_go.sh from real Go; not to be edited.")
	fmt.Println("#pragma once")
	fmt.Println()
	fmt.Println("namespace culvert::test {")
	fmt.Println()
	fmt.Println("// clang-format off")
	fmt.Println("inline constexpr const char* kGoTargets[] = {")
	for _, target := range targets {
		fmt.Printf("  %q,\n", target)
	}
	fmt.Println("};")
	fmt.Println()
	fmt.Println("/// A list, and for each target '1' if it goes direct.")
	fmt.Println("struct GoAnswers {")
	fmt.Println("  const char* list;")
	fmt.Println("  const char* direct;")
	fmt.Println("};")
	fmt.Println("inline constexpr GoAnswers kGoAnswers[] = {")
	for _, list := range lists() {
		answers := ""
		for _, target := range targets {
			if goesDirect(list, target) {
				answers += "1"
			} else {
				answers += "0"
			}
		}
		fmt.Printf("  {%q, %q},\n", list, answers)
	}
	fmt.Println("};")
	fmt.Println("// clang-format on")
	fmt.Println()
	fmt.Println("}  // namespace culvert::test")
}
