// What clients for Go understand: see parse.py.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

func parse(client, text string) ([]any, error) {
	switch client {
	case "go-sql-driver":
		said, err := mysql.ParseDSN(text)
		if err != nil {
			return nil, err
		}
		host, port, _ := net.SplitHostPort(said.Addr)
		return []any{host, port, said.User, said.Passwd, said.TLS != nil && !said.TLS.InsecureSkipVerify, said.DBName}, nil
	case "pgx":
		said, err := pgx.ParseConfig(text)
		if err != nil {
			return nil, err
		}
		return []any{said.Host, fmt.Sprint(said.Port), said.User, said.Password, said.TLSConfig != nil && len(said.Fallbacks) == 0, said.Database}, nil
	case "go-redis":
		said, err := redis.ParseURL(text)
		if err != nil {
			return nil, err
		}
		host, port, _ := net.SplitHostPort(said.Addr)
		return []any{host, port, nil, said.Password, said.TLSConfig != nil && said.TLSConfig.ServerName == host, fmt.Sprint(said.DB)}, nil
	}
	return nil, fmt.Errorf("no client %s", client)
}

func main() {
	all := [][]any{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		client, text, _ := strings.Cut(lines.Text(), "\t")
		said, err := parse(client, text)
		if err != nil {
			fmt.Fprintln(os.Stderr, lines.Text(), err)
			os.Exit(1)
		}
		all = append(all, said)
	}
	json.NewEncoder(os.Stdout).Encode(all)
}
