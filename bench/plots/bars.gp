# SPDX-License-Identifier: GPL-2.0-or-later
#
# Groups of bars as SVG, for a page that is light or dark; bench/plot calls it with:
#	data	a table with tabs: a head, then a line for each group; the first column is its name; "?" is no figure
#	output, title, unit, theme ("light" or "dark")
#	colors	of the columns, a word each

text = theme eq "dark" ? "#e6edf3" : "#1f2328"
grid = theme eq "dark" ? "#3d444d" : "#d1d9e0"

set terminal svg size 820,380 dynamic font "sans-serif,13" enhanced
set output output
set datafile separator "\t"
set datafile missing "?"
set title title textcolor rgb text font "sans-serif,15"
set key outside bottom center horizontal textcolor rgb text noenhanced
set border 1 linecolor rgb grid
set grid ytics linecolor rgb grid linetype 1
set ylabel unit textcolor rgb text
set ytics textcolor rgb text scale 0
set xtics textcolor rgb text scale 0
set yrange [0:*]
set offsets 0, 0, graph 0.08, 0

stats data skip 1 using 0 nooutput
groups = STATS_records
columns = words(colors)
width = 0.85 / columns
set xrange [-0.55:groups - 0.45]
set style fill solid 1.0 noborder
set boxwidth width * 0.92
place(group, column) = group + (column - (columns + 1) / 2.0) * width
in_thousands(value) = sprintf("%.1f", value / 1000.0)

plot for [i = 1:columns] data skip 1 using (place($0, i)):(column(i + 1) / 1000.0) with boxes \
		linecolor rgb word(colors, i) title system(sprintf("head -n 1 '%s' | cut -f %d", data, i + 1)), \
	for [i = 1:columns] data skip 1 using (place($0, i)):(column(i + 1) / 1000.0):(in_thousands(column(i + 1))) with labels \
		offset 0, 0.6 font "sans-serif,11" textcolor rgb text notitle, \
	data skip 1 using 0:(0):xticlabels(1) with points pointtype -1 notitle
