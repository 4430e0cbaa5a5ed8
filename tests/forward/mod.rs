//! A macro that delegates methods of a `GovernanceSink`.

/// Delegates these methods of a `GovernanceSink` to the sink in a field.
macro_rules! forward {
    ($inner:tt: $($method:ident)+) => {
        $($crate::forward::forward! { @$method $inner })+
    };
    (@records $inner:tt) => {
        fn records(
            &self,
            query: &activity_privacy::governance::RecordQuery,
            after: u64,
            limit: usize,
        ) -> Result<Vec<activity_privacy::governance::RecordEntry>, activity_privacy::governance::SinkError> {
            self.$inner.records(query, after, limit)
        }
    };
    (@newest $inner:tt) => {
        fn newest(
            &self,
            query: &activity_privacy::governance::RecordQuery,
        ) -> Result<Option<activity_privacy::governance::RecordEntry>, activity_privacy::governance::SinkError> {
            self.$inner.newest(query)
        }
    };
    (@remove $inner:tt) => {
        fn remove(
            &self,
            removal: &activity_privacy::governance::Recorded<activity_privacy::governance::Removal>,
        ) -> Result<u64, activity_privacy::governance::SinkError> {
            self.$inner.remove(removal)
        }
    };
}

pub(crate) use forward;
