//! The costs as a picture: bars of the ratio to bare bwrap, on a logarithmic scale.

use std::fmt::Write as _;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 270.0;
const ROW: f64 = 24.0;
const TOP: f64 = 40.0;

/// An SVG of names and ratios. Bars that are within an aim are of another colour: `(name, ratio, aim)`.
pub(super) fn bars(title: &str, rows: &[(String, f64, Option<f64>)]) -> String {
    let most = rows.iter().map(|row| row.1).fold(2.0, f64::max);
    let scale = (WIDTH - LEFT - 70.0) / most.log10().max(0.1);
    let place = |ratio: f64| LEFT + ratio.max(1.0).log10() * scale;
    let height = TOP + ROW * rows.len() as f64 + 24.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"22\" font-size=\"15\">{}</text>\n",
        escaped(title)
    );
    // Writing to a String cannot fail.
    for tick in [1.0, 1.5, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0] {
        if tick > most {
            break;
        }
        let x = place(tick);
        let bottom = height - 20.0;
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"#ccc\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#666\">{tick}</text>",
            height - 5.0
        );
    }
    for (n, (name, ratio, aim)) in rows.iter().enumerate() {
        let y = TOP + ROW * n as f64;
        let colour = match aim {
            Some(aim) if ratio <= aim => "#3a8f5c",
            Some(_) => "#c0623a",
            None => "#8595b5",
        };
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{LEFT}\" y=\"{:.1}\" width=\"{:.1}\" height=\"16\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{ratio:.2}</text>",
            LEFT - 8.0,
            y + 16.0,
            escaped(name),
            y + 3.0,
            (place(*ratio) - LEFT).max(1.0),
            place(*ratio) + 6.0,
            y + 16.0
        );
    }
    out.push_str("</svg>\n");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_for_each_row() {
        let rows = [("a & b".to_owned(), 1.0, None), ("c".to_owned(), 20.0, Some(30.0))];
        let svg = bars("x < y", &rows);
        assert_eq!(svg.matches("height=\"16\"").count(), 2);
        assert!(svg.contains("a &amp; b") && svg.contains("x &lt; y") && svg.contains("#3a8f5c"));
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    }
}
