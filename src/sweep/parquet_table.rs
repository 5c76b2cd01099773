//! The table of a sweep as Parquet, which pandas, polars, `DuckDB` and R read with the types of its columns.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::column::{Cell, Column};

/// Its name in the folder of the sweep.
pub(super) const FILE: &str = "sweep.parquet";

/// Of what type all cells of a column are that are not empty.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Truth,
    Whole,
    Number,
    Word,
}

/// The type that holds every cell: whole numbers are numbers beside others, and all are words beside words.
fn kind(column: &Column) -> Kind {
    let kinds = column.cells.iter().filter_map(|cell| match cell {
        Cell::Nothing => None,
        Cell::Truth(_) => Some(Kind::Truth),
        Cell::Whole(_) => Some(Kind::Whole),
        Cell::Number(_) | Cell::Setting(..) => Some(Kind::Number),
        Cell::Word(_) => Some(Kind::Word),
    });
    let both = |a: Kind, b: Kind| match (a, b) {
        (a, b) if a == b => a,
        (Kind::Whole, Kind::Number) | (Kind::Number, Kind::Whole) => Kind::Number,
        _ => Kind::Word,
    };
    kinds.reduce(both).unwrap_or(Kind::Number)
}

/// The table as a Parquet file. Every column may be empty in any row.
pub(super) fn parquet(columns: &[Column]) -> Result<Vec<u8>> {
    let fields = columns.iter().map(field).collect::<Result<_>>()?;
    let schema = Type::group_type_builder("sweep")
        .with_fields(fields)
        .build()?;
    // The same bytes whoever writes them.
    let properties = WriterProperties::builder()
        .set_created_by(format!("ratioflow {}", env!("CARGO_PKG_VERSION")))
        .build();
    let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
    let mut rows = file.next_row_group()?;
    for column in columns {
        if let Some(mut to) = rows.next_column()? {
            write(to.untyped(), column)?;
            to.close()?;
        }
    }
    rows.close()?;
    file.into_inner()
}

fn field(column: &Column) -> Result<Arc<Type>> {
    let (physical, logical) = match kind(column) {
        Kind::Truth => (Physical::BOOLEAN, None),
        Kind::Whole => {
            let whole = LogicalType::integer(64, false);
            (Physical::INT64, Some(whole))
        }
        Kind::Number => (Physical::DOUBLE, None),
        Kind::Word => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let built = Type::primitive_type_builder(&column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()?;
    Ok(Arc::new(built))
}

fn write(to: &mut ColumnWriter<'_>, column: &Column) -> Result<usize> {
    let full = |cell: &&Cell| **cell != Cell::Nothing;
    let there = column.cells.iter();
    let there: Vec<i16> = there.map(|cell| i16::from(full(&cell))).collect();
    let there = Some(&there[..]);
    let cells = || column.cells.iter().filter(full);
    match to {
        ColumnWriter::BoolColumnWriter(to) => {
            let values: Vec<bool> = cells().map(|cell| *cell == Cell::Truth(true)).collect();
            to.write_batch(&values, there, None)
        }
        ColumnWriter::Int64ColumnWriter(to) => {
            let whole = |cell: &Cell| match cell {
                Cell::Whole(whole) => whole.cast_signed(),
                _ => 0,
            };
            let values: Vec<i64> = cells().map(whole).collect();
            to.write_batch(&values, there, None)
        }
        ColumnWriter::DoubleColumnWriter(to) => {
            let number = |cell: &Cell| match cell {
                Cell::Number(number) | Cell::Setting(number, _) => *number,
                Cell::Whole(whole) => *whole as f64,
                _ => f64::NAN,
            };
            let values: Vec<f64> = cells().map(number).collect();
            to.write_batch(&values, there, None)
        }
        ColumnWriter::ByteArrayColumnWriter(to) => {
            let word = |cell: &Cell| ByteArray::from(cell.words().into_bytes());
            let values: Vec<ByteArray> = cells().map(word).collect();
            to.write_batch(&values, there, None)
        }
        // Columns are of the kinds above.
        _ => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::Field;

    use super::*;

    fn column(name: &str, cells: &[Cell]) -> Column {
        Column {
            name: name.to_owned(),
            cells: cells.to_vec(),
        }
    }

    fn file_of(bytes: &[u8]) -> std::fs::File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn a_table_is_read_back_with_its_types() {
        let word = |text: &str| Cell::Word(text.to_owned());
        let columns = [
            column("seed", &[Cell::Whole(u64::MAX), Cell::Whole(2)]),
            column("flow.step_ratio", &[Cell::Whole(1), Cell::Number(1.5)]),
            column(
                "mixed",
                &[Cell::Setting(1.0, "1.0".to_owned()), word("auto")],
            ),
            column("at_floor", &[Cell::Truth(true), Cell::Truth(false)]),
            column("energy_distance", &[Cell::Nothing, Cell::Number(1e-300)]),
            column("never", &[Cell::Nothing, Cell::Nothing]),
            column("ending", &[word(""), word("diverged, at \"3\"\nµ")]),
        ];
        let bytes = parquet(&columns).unwrap();
        assert_eq!(bytes, parquet(&columns).unwrap());
        let file = SerializedFileReader::new(file_of(&bytes)).unwrap();
        let rows: Vec<Vec<(String, Field)>> = file
            .get_row_iter(None)
            .unwrap()
            .map(|row| row.unwrap().into_columns())
            .collect();
        let text = |text: &str| Field::Str(text.to_owned());
        let expected = [
            [
                Field::ULong(u64::MAX),
                Field::Double(1.0),
                text("1.0"),
                Field::Bool(true),
                Field::Null,
                Field::Null,
                text(""),
            ],
            [
                Field::ULong(2),
                Field::Double(1.5),
                text("auto"),
                Field::Bool(false),
                Field::Double(1e-300),
                Field::Null,
                text("diverged, at \"3\"\nµ"),
            ],
        ];
        for (row, expected) in rows.iter().zip(expected) {
            let names: Vec<&str> = row.iter().map(|(name, _)| name.as_str()).collect();
            let known: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
            assert_eq!(names, known);
            let found: Vec<Field> = row.iter().map(|(_, field)| field.clone()).collect();
            assert_eq!(found, expected);
        }
        assert_eq!(rows.len(), 2);
    }

    #[test]
    fn a_table_without_rows_has_its_columns() {
        let bytes = parquet(&[column("index", &[]), column("ending", &[])]).unwrap();
        let file = SerializedFileReader::new(file_of(&bytes)).unwrap();
        assert_eq!(file.metadata().file_metadata().num_rows(), 0);
        assert_eq!(
            file.metadata().file_metadata().schema().get_fields().len(),
            2
        );
    }
}
